// SPDX-License-Identifier: GPL-2.0

//! An allocation in an NMI handler.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx, 7u32)?) //~ ERROR: no allocator may be called
}
