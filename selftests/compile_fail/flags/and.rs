// SPDX-License-Identifier: GPL-2.0

//! Bits taken away.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL & GfpAtomic); //~ ERROR: no implementation for
}
