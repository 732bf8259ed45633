// SPDX-License-Identifier: GPL-2.0

//! Two zones, far apart.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.highmem().account().nowarn().dma()); //~ ERROR: already chooses a zone
}
