// SPDX-License-Identifier: GPL-2.0

//! A vector of vmalloc that grows, and frees its old memory by `vfree()`, with a spinlock held.

use kalloc::prelude::*;

pub fn push(cx: &AtomicCx<'_>, list: &mut VVec<u32>) -> Result {
    Ok(list.push(cx, 7)?) //~ ERROR: where memory may have to grow
}
