// SPDX-License-Identifier: GPL-2.0

//! Two zones.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel.dma().dma32()); //~ ERROR: already chooses a zone
}
