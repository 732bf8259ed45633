// SPDX-License-Identifier: GPL-2.0

//! `GFP_KERNEL` in a NOIO scope.

use kalloc::prelude::*;

pub fn allocate(cx: &NoIoCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_KERNEL), 7u32)?) //~ ERROR: may sleep and call into file systems
}
