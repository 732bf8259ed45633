// SPDX-License-Identifier: GPL-2.0

//! Bits taken away.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel & GfpAtomic); //~ ERROR: no implementation for
}
