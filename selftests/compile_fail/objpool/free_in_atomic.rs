// SPDX-License-Identifier: GPL-2.0

//! At once a pool is freed where code may sleep; elsewhere drop it.

use kalloc::prelude::*;

pub fn free(cx: &AtomicCx<'_>, pool: ObjPool<u64>) {
    pool.free(cx); //~ ERROR: this may sleep
}
