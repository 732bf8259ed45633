// SPDX-License-Identifier: GPL-2.0

//! Two zones.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.dma().dma32()); //~ ERROR: already chooses a zone
}
