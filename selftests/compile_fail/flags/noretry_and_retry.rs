// SPDX-License-Identifier: GPL-2.0

//! Gives up at once, and tries hard.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.noretry().retry_mayfail()); //~ ERROR: already has a retry modifier
}
