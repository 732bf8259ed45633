// SPDX-License-Identifier: GPL-2.0

//! `GFP_NOIO` sleeps.

use kalloc::prelude::*;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_NOIO), 7u32)?) //~ ERROR: may sleep
}
