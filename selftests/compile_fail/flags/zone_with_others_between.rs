// SPDX-License-Identifier: GPL-2.0

//! Two zones, far apart.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel.highmem().account().nowarn().dma()); //~ ERROR: already chooses a zone
}
