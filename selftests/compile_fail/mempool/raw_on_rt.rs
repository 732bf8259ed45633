// SPDX-License-Identifier: GPL-2.0

//! An element with interrupts off, where the pool and PREEMPT_RT's allocators take sleeping locks.

//@only-target: rt

use kalloc::{mempool::*, prelude::*};

pub fn allocate(task: &mut TaskCx, pool: &Mempool<u64>) -> Result {
    task.irqs_off(|cx| MempoolBox::try_new(&cx, pool, 1).map(drop))?; //~ ERROR: no allocator may be called
    Ok(())
}
