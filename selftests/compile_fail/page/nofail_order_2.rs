// SPDX-License-Identifier: GPL-2.0

//! A promise of more than two pages.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Pages<Order<2>> {
    let Ok(pages) = Pages::zeroed(task.with(GFP_KERNEL.nofail()), Order::<2>);
    pages
}
