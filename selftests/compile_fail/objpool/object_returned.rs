// SPDX-License-Identifier: GPL-2.0

//! A borrowed object does not leave with its pool left behind.

use kalloc::{objpool::PoolBox, prelude::*};

pub fn object<'a>(pool: ObjPool<u64>) -> Option<PoolBox<u64, &'a ObjPool<u64>>> {
    pool.pop() //~ ERROR: cannot return value referencing function parameter
}
