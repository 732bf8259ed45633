// SPDX-License-Identifier: GPL-2.0

//! kvmalloc, which may sleep, with a spinlock held.

use kalloc::prelude::*;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<KVBox<[u64]>> {
    Ok(KVBox::zeroed_slice(cx, 1000)?) //~ ERROR: does not accept
}
