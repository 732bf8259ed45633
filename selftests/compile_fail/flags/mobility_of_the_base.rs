// SPDX-License-Identifier: GPL-2.0

//! Mobility for a base that has one.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(HighUserMovable.reclaimable()); //~ ERROR: already says whether the memory can be moved
}
