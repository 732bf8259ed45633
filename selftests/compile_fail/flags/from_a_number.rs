// SPDX-License-Identifier: GPL-2.0

//! Flags from bits, in place of a type.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL(0xc0)); //~ ERROR: expected function
}
