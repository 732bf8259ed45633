// SPDX-License-Identifier: GPL-2.0

//! Bottom halves disabled in what may be a hard interrupt, where enabling them warns.

use kalloc::prelude::*;

pub fn count(cx: &mut IrqCx<'_>, n: &mut u32) {
    cx.bh_off(|_cx| *n += 1) //~ ERROR: interrupts may be disabled
}
