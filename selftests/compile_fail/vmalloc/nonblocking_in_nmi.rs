// SPDX-License-Identifier: GPL-2.0

//! vmalloc in an NMI handler.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> Result<VBox<u32>> {
    Ok(VBox::new_nonblocking(cx, 7)?) //~ ERROR: cannot be called in an interrupt
    //~^ ERROR: no allocator may be called
}
