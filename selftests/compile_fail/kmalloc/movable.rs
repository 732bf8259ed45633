// SPDX-License-Identifier: GPL-2.0

//! Nobody can move slab memory.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new(task.with(GFP_KERNEL.movable()), 7)?) //~ ERROR: `Kmalloc` does not accept
}
