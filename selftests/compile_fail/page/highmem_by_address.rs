// SPDX-License-Identifier: GPL-2.0

//! Memory that may have no address, known by its address.

use kalloc::prelude::*;

pub fn allocate(task: &Task) -> Result {
    PageMem::zeroed(task.with(Kernel.highmem()), Order::<0>)?; //~ ERROR: has no kernel address
    Ok(())
}
