// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags in an interrupt handler.

use kalloc::prelude::*;

pub fn allocate(cx: &IrqCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_KERNEL), 7u32)?) //~ ERROR: may sleep
}
