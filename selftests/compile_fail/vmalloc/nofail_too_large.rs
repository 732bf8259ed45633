// SPDX-License-Identifier: GPL-2.0

//! A promise of more memory than the kernel keeps it for.

//@error-in-other-file: evaluation of

use kalloc::{kmalloc, prelude::*};

pub fn allocate(task: &TaskCx) -> KVBox<core::mem::MaybeUninit<[u8; kmalloc::MAX_SIZE + 1]>> {
    let Ok(memory) = KVBox::new_uninit(task.with(GFP_KERNEL.nofail()));
    memory
}
