// SPDX-License-Identifier: GPL-2.0

//! No pages in an NMI handler.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> Result<Pages> {
    Ok(Pages::zeroed(cx, Order)?) //~ ERROR: no allocator may be called
}
