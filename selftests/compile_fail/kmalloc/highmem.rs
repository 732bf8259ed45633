// SPDX-License-Identifier: GPL-2.0

//! Slab memory always has a kernel address.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new(task.with(GFP_KERNEL.highmem()), 7)?) //~ ERROR: `Kmalloc` does not accept
}
