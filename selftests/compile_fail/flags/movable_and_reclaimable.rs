// SPDX-License-Identifier: GPL-2.0

//! Two kinds of mobility.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.movable().reclaimable()); //~ ERROR: already has a mobility flag
}
