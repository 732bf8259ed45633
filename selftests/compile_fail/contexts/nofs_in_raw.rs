// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags with preemption disabled.

use kalloc::prelude::*;

pub fn allocate(cx: &RawCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_NOFS), 7u32)?) //~ ERROR: may sleep
}
