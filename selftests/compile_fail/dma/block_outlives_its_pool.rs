// SPDX-License-Identifier: GPL-2.0

//! A block is there when its pool is gone.

use kalloc::dma::{DmaDevice, DmaBlock, DmaPool};
use kalloc::prelude::*;

pub fn block<'a>(task: &TaskCx, dma: DmaDevice<'a>) -> Result<DmaBlock<'a, u32>> {
    let pool = DmaPool::new(task, dma, c"pool")?;
    Ok(pool.zeroed(task)?) //~ ERROR: cannot return value referencing local variable `pool`
}

pub fn destroy(task: &TaskCx, dma: DmaDevice<'_>) -> Result {
    let pool = DmaPool::<u32>::new(task, dma, c"pool")?;
    let block = pool.zeroed(task)?;
    pool.destroy(task); //~ ERROR: cannot move out of `pool` because it is borrowed
    drop(block);
    Ok(())
}

pub fn shared(task: &TaskCx, dma: DmaDevice<'_>) -> Result {
    let pool = DmaPool::<u32>::new(task, dma, c"pool")?;
    let shared = pool.share();
    pool.destroy(task); //~ ERROR: use of moved value: `pool`
    drop(shared.zeroed(task)?);
    Ok(())
}
