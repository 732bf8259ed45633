// SPDX-License-Identifier: GPL-2.0

//! Mobility for a base that has one.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_HIGHUSER_MOVABLE.reclaimable()); //~ ERROR: already has a mobility flag
}
