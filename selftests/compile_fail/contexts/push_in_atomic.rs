// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's `KVec` with sleeping flags where a spinlock may be held.

use kalloc::prelude::*;
use kernel::alloc::KVec;

pub fn push(cx: &AtomicCx<'_>, list: &mut KVec<u32>) -> Result {
    Ok(list.push_with(cx.with(GFP_KERNEL), 7)?) //~ ERROR: may sleep
}
