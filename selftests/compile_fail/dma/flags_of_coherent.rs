// SPDX-License-Identifier: GPL-2.0

//! Flags that dma_alloc_attrs() and dma_alloc_pages() reject.

use kalloc::dma::{Coherent, DmaDevice, Noncoherent, ToDevice};
use kalloc::prelude::*;

pub fn compound(task: &TaskCx, dma: DmaDevice<'_>) {
    let _ = Coherent::<u32>::zeroed(task.with(GFP_KERNEL.comp()), dma); //~ ERROR: dma_alloc_attrs does not accept
}

pub fn zone(task: &TaskCx, dma: DmaDevice<'_>) {
    let _ = Coherent::<u32>::zeroed(task.with(GFP_KERNEL.dma32()), dma); //~ ERROR: dma_alloc_attrs does not accept
}

pub fn zone_of_pages(task: &TaskCx, dma: DmaDevice<'_>) {
    let _ = Noncoherent::<u32, ToDevice>::zeroed(task.with(GFP_KERNEL.dma()), dma); //~ ERROR: dma_alloc_pages does not accept
}
