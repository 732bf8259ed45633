// SPDX-License-Identifier: GPL-2.0

//! vmalloc in what may be a hard interrupt, where the kernel stops.

use kalloc::prelude::*;

pub fn allocate(cx: &IrqCx<'_>) -> Result<VBox<u32>> {
    Ok(VBox::new_nonblocking(cx, 7)?) //~ ERROR: cannot be called in an interrupt
}
