// SPDX-License-Identifier: GPL-2.0

//! Attributes that exclude one another, or that a mapping does not know.

use kalloc::dma::{DmaDevice, Streaming, ToDevice};
use kalloc::prelude::*;

pub fn both(dma: DmaDevice<'_>) {
    let _ = dma.force_contiguous().alloc_single_pages(); //~ ERROR: already has an attribute that selects pages
}

pub fn mapping(task: &TaskCx, dma: DmaDevice<'_>, buffer: KBox<[u8]>) {
    let _ = Streaming::<_, ToDevice, _, _>::map(task, dma.write_combine(), buffer); //~ ERROR: has an attribute of an allocation
}
