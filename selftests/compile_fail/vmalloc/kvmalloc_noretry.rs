// SPDX-License-Identifier: GPL-2.0

//! kvmalloc says that it does not support `__GFP_NORETRY`.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KVBox<u32>> {
    Ok(KVBox::new(task.with(GFP_KERNEL.noretry()), 7)?) //~ ERROR: `KVmalloc` does not accept
}
