// SPDX-License-Identifier: GPL-2.0

//! A boundary that is no power of two.

//@error-in-other-file: evaluation of

use kalloc::dma::{DmaDevice, DmaPool};
use kalloc::prelude::*;

pub fn pool<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<DmaPool<'bound, u64>> {
    DmaPool::with::<8, 100>(task, dma, c"pool")
}
