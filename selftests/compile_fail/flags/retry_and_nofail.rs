// SPDX-License-Identifier: GPL-2.0

//! May fail, and never fails.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel.retry_mayfail().nofail()); //~ ERROR: already says what happens when memory is short
}
