// SPDX-License-Identifier: GPL-2.0

//! A type that kvmalloc has no memory for.

//@error-in-other-file: evaluation of

use core::mem::MaybeUninit;
use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KVBox<MaybeUninit<[u8; 1 << 31]>>> {
    Ok(KVBox::new_uninit(task)?)
}
