// SPDX-License-Identifier: GPL-2.0

//! It fails easily.

use kalloc::prelude::*;

pub fn allocate(cx: &Nmi<'_>) -> NolockBox<u32> {
    let Ok(memory) = NolockBox::new(cx, 7); //~ ERROR: refutable pattern
    memory
}
