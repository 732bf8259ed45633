// SPDX-License-Identifier: GPL-2.0

//! kmem_cache_destroy() sleeps.

use kalloc::{prelude::*, slab::*};

pub fn destroy(cx: &IrqCx<'_>, cache: Cache<u64>) {
    cache.destroy(cx); //~ ERROR: this may sleep
}
