// SPDX-License-Identifier: GPL-2.0

//! kmalloc has no caches for `__GFP_DMA32`.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new(task.with(GFP_KERNEL.dma32()), 7)?) //~ ERROR: `Kmalloc` does not accept
}
