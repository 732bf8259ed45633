// SPDX-License-Identifier: GPL-2.0

//! vmalloc knows no zones.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<VBox<u32>> {
    Ok(VBox::new(task.with(GFP_KERNEL.dma()), 7)?) //~ ERROR: `Vmalloc` does not accept
}
