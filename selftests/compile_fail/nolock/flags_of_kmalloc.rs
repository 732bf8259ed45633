// SPDX-License-Identifier: GPL-2.0

//! Only `__GFP_ACCOUNT` and `__GFP_ZERO` go with kmalloc_nolock.

use kalloc::prelude::*;

pub fn allocate(cx: &Atomic<'_>) -> Result<NolockBox<u32>> {
    Ok(NolockBox::new(cx.with(GfpAtomic), 7)?) //~ ERROR: kmalloc_nolock does not accept
}
