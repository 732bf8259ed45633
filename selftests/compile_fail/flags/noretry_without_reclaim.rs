// SPDX-License-Identifier: GPL-2.0

//! A rule for reclaim, which there is none of.

use kalloc::prelude::*;

pub fn flags(cx: &AtomicCx<'_>) {
    let _ = cx.with(GFP_NOWAIT.noretry()); //~ ERROR: never waits
}
