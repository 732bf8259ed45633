// SPDX-License-Identifier: GPL-2.0

//! Flags that dma_alloc_attrs() and dma_alloc_pages() reject.

use kalloc::dma::{Coherent, Dma, Noncoherent, ToDevice};
use kalloc::prelude::*;

pub fn compound(task: &Task, dma: Dma<'_>) {
    let _ = Coherent::<u32>::zeroed(task.with(Kernel.comp()), dma); //~ ERROR: dma_alloc_attrs does not accept
}

pub fn zone(task: &Task, dma: Dma<'_>) {
    let _ = Coherent::<u32>::zeroed(task.with(Kernel.dma32()), dma); //~ ERROR: dma_alloc_attrs does not accept
}

pub fn zone_of_pages(task: &Task, dma: Dma<'_>) {
    let _ = Noncoherent::<u32, ToDevice>::zeroed(task.with(Kernel.dma()), dma); //~ ERROR: dma_alloc_pages does not accept
}
