// SPDX-License-Identifier: GPL-2.0

//! A promise of memory that the kernel does not keep.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub fn page(task: &TaskCx, cache: &Cache<[u8; 4097]>) {
    let Ok(_page) = SlabBox::new(task.with(GFP_KERNEL.nofail()), cache, [0; 4097]);
}
