// SPDX-License-Identifier: GPL-2.0

//! Bits put together by hand.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel | GfpAtomic); //~ ERROR: no implementation for
}
