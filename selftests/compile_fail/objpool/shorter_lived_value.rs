// SPDX-License-Identifier: GPL-2.0

//! What is left in an object is found by the next one, who may live longer.

use kalloc::prelude::*;

pub fn shorten<'p, 'a>(pool: &'p ObjPool<&'static u64>, _value: &'a u64) -> &'p ObjPool<&'a u64> {
    pool //~ ERROR: lifetime may not live long enough
}
