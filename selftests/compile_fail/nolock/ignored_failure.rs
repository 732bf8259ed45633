// SPDX-License-Identifier: GPL-2.0

//! It fails easily.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> NolockBox<u32> {
    let Ok(memory) = NolockBox::new(cx, 7); //~ ERROR: refutable pattern
    memory
}
