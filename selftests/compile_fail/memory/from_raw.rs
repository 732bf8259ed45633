// SPDX-License-Identifier: GPL-2.0

//! Any pointer taken for memory of kmalloc.

use kalloc::prelude::*;

pub fn misuse(pointer: *mut u32) -> KBox<u32> {
    KBox::from_raw(pointer) //~ ERROR: requires unsafe
}
