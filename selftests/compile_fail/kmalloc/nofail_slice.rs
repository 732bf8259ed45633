// SPDX-License-Identifier: GPL-2.0

//! A promise of memory for a length that could be any.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx, len: usize) -> KBox<[u8]> {
    let Ok(slice) = KBox::zeroed_slice(task.with(GFP_KERNEL.nofail()), len); //~ ERROR: cannot guarantee
    slice
}
