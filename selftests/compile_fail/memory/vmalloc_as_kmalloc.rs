// SPDX-License-Identifier: GPL-2.0

//! Memory of vmalloc given to `kfree()`.

use kalloc::prelude::*;

pub fn misuse(memory: VBox<[u8; 8192]>) -> KBox<[u8; 8192]> {
    memory.into() //~ ERROR: not satisfied
}
