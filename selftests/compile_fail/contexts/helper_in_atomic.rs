// SPDX-License-Identifier: GPL-2.0

//! A helper that sleeps, called where a spinlock may be held.

use kalloc::prelude::*;

fn helper<C: MaySleep>(cx: &C) -> Result<KBox<u32>> {
    Ok(KBox::new(cx, 1)?)
}

pub fn call(cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    helper(cx) //~ ERROR: this may sleep
}
