// SPDX-License-Identifier: GPL-2.0

//! A pool is made beforehand.

use kalloc::prelude::*;

pub fn make(cx: &NmiCx<'_>) -> Result<ObjPool<u64>> {
    ObjPool::new(cx, 8, |_| 0) //~ ERROR: no allocator may be called
}
