// SPDX-License-Identifier: GPL-2.0

//! Memory that is resized may stay where it is, in whatever zone that is.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx, memory: KBox<[u8]>) -> Option<KBox<[u8]>> {
    memory.resize(task.with(GFP_KERNEL.dma()), 64, 0).ok() //~ ERROR: `Kmalloc` does not accept
}
