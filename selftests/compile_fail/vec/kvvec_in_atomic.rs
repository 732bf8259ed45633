// SPDX-License-Identifier: GPL-2.0

//! A vector of kvmalloc that grows with a spinlock held: it may be one of vmalloc.

use kalloc::prelude::*;

pub fn push(cx: &AtomicCx<'_>, list: &mut KVVec<u32>) -> Result {
    Ok(list.extend_from_slice(cx, &[7])?) //~ ERROR: where memory may have to grow
}
