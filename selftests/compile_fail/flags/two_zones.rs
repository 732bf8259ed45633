// SPDX-License-Identifier: GPL-2.0

//! Two zones.

use kalloc::prelude::*;

pub fn combined(task: &Task) -> Result {
    let _flags = task.with(Kernel.dma32().dma()); //~ ERROR: already chooses a zone
    Ok(())
}
