// SPDX-License-Identifier: GPL-2.0

//! Blocks of a type that is aligned to more than a page, which a pool does not keep behind an IOMMU.

//@error-in-other-file: evaluation of

use kalloc::dma::{DmaDevice, DmaPool};
use kalloc::prelude::*;

#[derive(FromBytes, IntoBytes, Clone, Copy)]
#[repr(C, align(8192))]
pub struct Large(pub [u8; 8192]);

pub fn pool<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<DmaPool<'bound, Large>> {
    DmaPool::new(task, dma, c"large")
}
