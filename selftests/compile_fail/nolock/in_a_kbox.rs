// SPDX-License-Identifier: GPL-2.0

//! kmalloc takes locks.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_NOLOCK), 7)?) //~ ERROR: does not accept
}
