// SPDX-License-Identifier: GPL-2.0

//! Waits until there is memory, and must not sleep.

use kalloc::prelude::*;

pub fn flags(cx: &Atomic<'_>) {
    let _ = cx.with(GfpAtomic.nofail()); //~ ERROR: never waits
}
