// SPDX-License-Identifier: GPL-2.0

//! A vector used after it was given away.

use kalloc::prelude::*;

pub fn misuse(list: KVec<u32>) -> usize {
    let theirs: kernel::alloc::KVec<u32> = list.into();
    theirs.len() + list.len() //~ ERROR: borrow of moved value
}
