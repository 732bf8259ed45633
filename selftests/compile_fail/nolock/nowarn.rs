// SPDX-License-Identifier: GPL-2.0

//! It never warns, and takes no other modifier.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> Result<NolockBox<u32>> {
    Ok(NolockBox::new(cx.with(GFP_NOLOCK.nowarn()), 7)?) //~ ERROR: kmalloc_nolock does not accept
}
