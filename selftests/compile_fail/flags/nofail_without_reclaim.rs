// SPDX-License-Identifier: GPL-2.0

//! Waits until there is memory, and must not sleep.

use kalloc::prelude::*;

pub fn flags(cx: &AtomicCx<'_>) {
    let _ = cx.with(GFP_ATOMIC.nofail()); //~ ERROR: never waits
}
