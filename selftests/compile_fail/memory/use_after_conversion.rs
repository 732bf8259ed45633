// SPDX-License-Identifier: GPL-2.0

//! Used after it went to the kernel crate's box.

use kalloc::prelude::*;

pub fn misuse(memory: KBox<u32>) -> u32 {
    let theirs: kernel::alloc::KBox<u32> = memory.into();
    drop(theirs);
    *memory //~ ERROR: borrow of moved value
}
