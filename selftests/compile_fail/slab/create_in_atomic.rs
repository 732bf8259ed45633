// SPDX-License-Identifier: GPL-2.0

//! kmem_cache_create() sleeps.

use kalloc::{prelude::*, slab::*};

pub fn create(cx: &AtomicCx<'_>) -> Result<Cache<u64>> {
    Cache::create(cx, &Args::new(c"numbers")) //~ ERROR: this may sleep
}
