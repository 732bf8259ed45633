// SPDX-License-Identifier: GPL-2.0

//! They have an address.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<ExactPages> {
    Ok(ExactPages::zeroed(task.with(GFP_KERNEL.highmem()), 12345)?) //~ ERROR: alloc_pages_exact does not accept
}
