// SPDX-License-Identifier: GPL-2.0

//! Used after it was freed.

use kalloc::prelude::*;

pub fn misuse(memory: KBox<u32>) -> u32 {
    drop(memory);
    *memory //~ ERROR: borrow of moved value
}
