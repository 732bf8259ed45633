// SPDX-License-Identifier: GPL-2.0

//! A promise of as many pages as somebody says at run time.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn allocate(task: &Task, order: AnyOrder) -> PageMem<AnyOrder> {
    let Ok(pages) = PageMem::zeroed(task.with(Kernel.nofail()), order);
    pages
}
