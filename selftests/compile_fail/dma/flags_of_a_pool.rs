// SPDX-License-Identifier: GPL-2.0

//! Flags that a pool rejects.

use kalloc::dma::DmaPool;
use kalloc::prelude::*;

pub fn account(task: &TaskCx, pool: &DmaPool<'_, u32>) {
    let _ = pool.zeroed(task.with(GFP_KERNEL_ACCOUNT)); //~ ERROR: dma_pool_alloc does not accept
}
