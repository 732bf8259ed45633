// SPDX-License-Identifier: GPL-2.0

//! A pool is made where code may sleep.

use kalloc::prelude::*;

pub fn make(cx: &AtomicCx<'_>) -> Result<ObjPool<u64>> {
    ObjPool::new(cx, 8, |_| 0) //~ ERROR: objpool_init does not accept
}
