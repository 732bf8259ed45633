// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags with modifiers where a spinlock may be held.

use kalloc::prelude::*;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_USER.account().nowarn()), 7u32)?) //~ ERROR: may sleep
}
