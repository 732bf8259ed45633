// SPDX-License-Identifier: GPL-2.0

//! Flags that sleep where sleeping is not allowed.

use kalloc::prelude::*;

pub fn allocate(cx: &Atomic<'_>) -> Result<Pages> {
    Ok(Pages::zeroed(cx.with(Kernel), Order)?) //~ ERROR: this may sleep
}
