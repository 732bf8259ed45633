// SPDX-License-Identifier: GPL-2.0

//! krealloc keeps `__GFP_ZERO` only if every call for the memory had it.

use kalloc::prelude::*;

pub fn grow(task: &TaskCx, memory: KBox<[u8]>) -> Result<KBox<[u8]>> {
    Ok(memory.resize(task.with(GFP_KERNEL.zeroed()), 100, 0)?) //~ ERROR: `Kmalloc` does not accept
}
