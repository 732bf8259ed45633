// SPDX-License-Identifier: GPL-2.0

//! A rule for reclaim, which there is none of.

use kalloc::prelude::*;

pub fn flags(cx: &Atomic<'_>) {
    let _ = cx.with(GfpNowait.noretry()); //~ ERROR: never waits
}
