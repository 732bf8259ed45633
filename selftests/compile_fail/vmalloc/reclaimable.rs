// SPDX-License-Identifier: GPL-2.0

//! Memory of kmalloc that a shrinker frees, from kvmalloc.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KVBox<u32>> {
    Ok(KVBox::new(task.with(GFP_KERNEL.reclaimable()), 7)?) //~ ERROR: `KVmalloc` does not accept
}
