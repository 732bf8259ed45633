// SPDX-License-Identifier: GPL-2.0

//! They have an address.

use kalloc::prelude::*;

pub fn allocate(task: &Task) -> Result<ExactPages> {
    Ok(ExactPages::zeroed(task.with(Kernel.highmem()), 12345)?) //~ ERROR: alloc_pages_exact does not accept
}
