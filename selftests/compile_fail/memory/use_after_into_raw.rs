// SPDX-License-Identifier: GPL-2.0

//! Used after its pointer was given away.

use kalloc::prelude::*;

pub fn misuse(memory: KBox<u32>) -> (*mut u32, u32) {
    (memory.into_raw(), *memory) //~ ERROR: borrow of moved value
}
