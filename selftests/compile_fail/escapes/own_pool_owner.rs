// SPDX-License-Identifier: GPL-2.0

//! An owner of slab objects that does not keep their cache.

use kalloc::{pooled::PoolRef, slab::Cache};

struct Nobody;

impl PoolRef<Cache<u32>> for Nobody { //~ ERROR: requires an `unsafe impl`
    fn pool(&self) -> &Cache<u32> {
        loop {}
    }
}
