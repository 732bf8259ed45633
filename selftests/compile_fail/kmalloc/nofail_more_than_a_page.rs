// SPDX-License-Identifier: GPL-2.0

//! A promise of memory for more than a page.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> KBox<[u8; 4097]> {
    let Ok(memory) = KBox::new_uninit(task.with(GFP_KERNEL.nofail()));
    memory.write([0; 4097])
}
