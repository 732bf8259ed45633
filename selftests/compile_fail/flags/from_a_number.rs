// SPDX-License-Identifier: GPL-2.0

//! Flags from bits, in place of a type.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel(0xc0)); //~ ERROR: expected function
}
