// SPDX-License-Identifier: GPL-2.0

//! Bits taken away: `!GFP_KERNEL` has nearly every bit that there is.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(!GfpKernel); //~ ERROR: cannot apply unary operator `!`
}
