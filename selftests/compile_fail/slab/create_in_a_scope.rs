// SPDX-License-Identifier: GPL-2.0

//! kmem_cache_create() and kmem_cache_destroy() take a mutex under which others reclaim.

use kalloc::{prelude::*, slab::*};

pub fn again(cx: &NoFsCx<'_>, cache: Cache<u64>) -> Result<Cache<u64>> {
    cache.destroy(cx); //~ ERROR: this may sleep and call into file systems
    Cache::create(cx, &Args::new(c"numbers")) //~ ERROR: this may sleep and call into file systems
}
