// SPDX-License-Identifier: GPL-2.0

//! Flags that sleep where sleeping is not allowed.

use kalloc::prelude::*;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<Pages> {
    Ok(Pages::zeroed(cx.with(GFP_KERNEL), Order)?) //~ ERROR: this may sleep
}
