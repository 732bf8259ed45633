// SPDX-License-Identifier: GPL-2.0

//! A promise of as many pages as somebody says at run time.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx, order: AnyOrder) -> FreePages<AnyOrder> {
    let Ok(pages) = FreePages::zeroed(task.with(GFP_KERNEL.nofail()), order);
    pages
}
