// SPDX-License-Identifier: GPL-2.0

//! Memory that may have no address, known by its address.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result {
    FreePages::zeroed(task.with(GFP_KERNEL.highmem()), Order::<0>)?; //~ ERROR: has no kernel address
    Ok(())
}
