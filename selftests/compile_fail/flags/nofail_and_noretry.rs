// SPDX-License-Identifier: GPL-2.0

//! Never fails, and gives up at once.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.nofail().noretry()); //~ ERROR: already has a retry modifier
}
