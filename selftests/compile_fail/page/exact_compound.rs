// SPDX-License-Identifier: GPL-2.0

//! As many pages as a size takes are not one compound page.

use kalloc::prelude::*;

pub fn allocate(task: &Task) -> Result<ExactPages> {
    Ok(ExactPages::zeroed(task.with(Kernel.comp()), 12345)?) //~ ERROR: alloc_pages_exact does not accept
}
