// SPDX-License-Identifier: GPL-2.0

//! As many pages as a size takes are not one compound page.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<ExactPages> {
    Ok(ExactPages::zeroed(task.with(GFP_KERNEL.comp()), 12345)?) //~ ERROR: alloc_pages_exact does not accept
}
