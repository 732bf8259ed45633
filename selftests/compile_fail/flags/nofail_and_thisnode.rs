// SPDX-License-Identifier: GPL-2.0

//! Waits for memory of one node, which may never come.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.nofail().thisnode()); //~ ERROR: cannot guarantee
}
