// SPDX-License-Identifier: GPL-2.0

//! A vector of vmalloc as one of kmalloc.

use kalloc::prelude::*;

pub fn misuse(list: VVec<u32>) -> kernel::alloc::KVec<u32> {
    list.into() //~ ERROR: type mismatch
}
