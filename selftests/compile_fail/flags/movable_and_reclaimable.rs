// SPDX-License-Identifier: GPL-2.0

//! Two kinds of mobility.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel.movable().reclaimable()); //~ ERROR: already says whether the memory can be moved
}
