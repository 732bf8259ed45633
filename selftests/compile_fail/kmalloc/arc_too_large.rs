// SPDX-License-Identifier: GPL-2.0

//! An `Arc` that is larger than `KMALLOC_MAX_SIZE` with its reference count.

//@error-in-other-file: evaluation of

use core::mem::MaybeUninit;
use kalloc::prelude::*;
use kernel::sync::Arc;

type Large = MaybeUninit<[u8; kalloc::kmalloc::MAX_SIZE]>;

pub fn allocate(task: &TaskCx) -> Result<Arc<Large>> {
    Ok(Arc::new_with(task, MaybeUninit::uninit())?)
}
