// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{mempool::*, prelude::*, slab::Cache};
use kernel::sync::Arc;

pub fn create(task: &TaskCx, cx: &NoIoCx<'_>, cache: Arc<Cache<u64>>) -> Result {
    Mempool::<u64>::kmalloc(task, 4)?;
    Mempool::<u64>::kmalloc(cx, 4)?;
    Mempool::<u64, _>::slab(task.with(GFP_KERNEL.nowarn()), 4, cache)?;
    Mempool::<[u8; 4096], PageBacked>::pages(task, 4)?;
    Ok(())
}

pub fn elements(task: &TaskCx, cx: &AtomicCx<'_>, pool: &Mempool<u64>) -> Result {
    let _number = MempoolBox::new(task, pool, 1);
    let _number = MempoolBox::try_new(cx, pool, 1)?;
    let _number = MempoolBox::preallocated(cx, pool, 1)?;
    pool.resize(task, 8)
}

pub fn returned(task: &TaskCx, pool: &Arc<Mempool<u64>>) -> MempoolBox<u64, Arc<Mempool<u64>>> {
    MempoolBox::new(task, pool.clone(), 1)
}

pub fn bulk(task: &TaskCx, pool: &Mempool<u64, KmallocBacked, 4>) {
    let bulk = MempoolBulk::<_, 3, _, _, 4>::from_fn(task, pool, |i| i as u64);
    drop(bulk);
}
