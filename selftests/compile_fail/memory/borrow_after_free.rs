// SPDX-License-Identifier: GPL-2.0

//! A reference into memory that is freed.

use kalloc::prelude::*;

pub fn misuse(memory: KBox<u32>) -> u32 {
    let inside = &*memory;
    drop(memory); //~ ERROR: cannot move out of `memory` because it is borrowed
    *inside
}
