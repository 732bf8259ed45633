// SPDX-License-Identifier: GPL-2.0

//! Only `__GFP_ACCOUNT` and `__GFP_ZERO` go with kmalloc_nolock.

use kalloc::prelude::*;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<NolockBox<u32>> {
    Ok(NolockBox::new(cx.with(GFP_ATOMIC), 7)?) //~ ERROR: kmalloc_nolock does not accept
}
