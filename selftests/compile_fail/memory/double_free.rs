// SPDX-License-Identifier: GPL-2.0

//! Freed twice.

use kalloc::prelude::*;

pub fn misuse(memory: KBox<u32>) {
    drop(memory);
    drop(memory); //~ ERROR: use of moved value
}
