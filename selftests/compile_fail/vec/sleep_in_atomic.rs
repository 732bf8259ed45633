// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags for a vector where a spinlock is held.

use kalloc::prelude::*;

pub fn push(cx: &AtomicCx<'_>, list: &mut KVec<u32>) -> Result {
    Ok(list.push(cx.with(GFP_KERNEL), 7)?) //~ ERROR: may sleep
}
