// SPDX-License-Identifier: GPL-2.0

//! May fail, and never fails.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.retry_mayfail().nofail()); //~ ERROR: already has a retry modifier
}
