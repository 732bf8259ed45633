// SPDX-License-Identifier: GPL-2.0

//! A helper for any context that takes the flags of one that sleeps.

use kalloc::prelude::*;

pub fn helper<C: MayAlloc>(cx: &C) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_KERNEL), 1)?) //~ ERROR: may sleep
}
