// SPDX-License-Identifier: GPL-2.0

//! A promise of many pages at once.

use kalloc::{page::alloc_bulk, prelude::*};

pub fn allocate(task: &TaskCx) -> usize {
    alloc_bulk(task.with(GFP_KERNEL.nofail()), &mut [None]) //~ ERROR: alloc_pages_bulk does not accept
}
