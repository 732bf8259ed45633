// SPDX-License-Identifier: GPL-2.0

//! A type larger than `KMALLOC_MAX_SIZE`.

//@error-in-other-file: evaluation of

use core::mem::MaybeUninit;
use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KBox<MaybeUninit<[u8; kalloc::kmalloc::MAX_SIZE + 1]>>> {
    Ok(KBox::new_uninit(task)?)
}
