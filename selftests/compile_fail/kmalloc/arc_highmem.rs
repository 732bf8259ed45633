// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's `Arc` is made by kmalloc.

use kalloc::prelude::*;
use kernel::sync::Arc;

pub fn allocate(task: &TaskCx) -> Result<Arc<u32>> {
    Ok(Arc::new_with(task.with(GFP_USER.highmem()), 7)?) //~ ERROR: krealloc does not accept
}
