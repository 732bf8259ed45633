// SPDX-License-Identifier: GPL-2.0

//! A promise of memory for more than a page.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn make(task: &TaskCx, value: [u8; 4096]) -> RcuBox<[u8; 4096]> {
    let Ok(value) = RcuBox::new(task.with(GFP_KERNEL.nofail()), value);
    value
}
