// SPDX-License-Identifier: GPL-2.0

//! The kernel gives one page a call when it is to charge it.

use kalloc::{page::alloc_bulk, prelude::*};

pub fn allocate(task: &TaskCx) -> usize {
    alloc_bulk(task.with(GFP_KERNEL.account()), &mut [None]) //~ ERROR: alloc_pages_bulk does not accept
}
