// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{
    devm::Devm,
    mempool::{Mempool, MempoolBox},
    percpu::CpuLocal,
    prelude::*,
    slab::{Cache, Construct, RcuCache, RcuRef, SlabBox},
};
use kernel::device::{Bound, Device};

pub fn zones(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.dma());
    let _ = task.with(GFP_KERNEL.dma32());
    let _ = task.with(GFP_USER.highmem());
    let _ = task.with(GFP_HIGHUSER);
}

pub fn when_memory_is_short(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.noretry());
    let _ = task.with(GFP_KERNEL.retry_mayfail());
    let _ = task.with(GFP_NOIO.nofail());
    let _ = task.with(GFP_KERNEL.thisnode());
}

pub fn mobility(task: &TaskCx) {
    let _ = task.with(GFP_KERNEL.movable());
    let _ = task.with(GFP_KERNEL.reclaimable());
    let _ = task.with(GFP_HIGHUSER_MOVABLE);
}

pub fn together(task: &TaskCx) {
    let _ = task.with(
        GfpKernel
            .account()
            .nowarn()
            .nomemalloc()
            .hardwall()
            .comp()
            .zeroed()
            .noretry()
            .dma()
            .reclaimable(),
    );
}

/// Every allocator of a context takes its default flags, whatever the context is.
pub fn by_default<C: MaySleep, T: Construct + Sync>(
    cx: &C,
    cache: &Cache<u64>,
    rcu_cache: &RcuCache<T>,
    pool: &Mempool<u64>,
    dev: &Device<Bound>,
) -> Result {
    KBox::new(cx, 1)?;
    KVec::new().push(cx, 1)?;
    KVBox::new(cx, 1)?;
    VVec::new().push(cx, 1)?;
    Pages::new_uninit(cx, Order::<1>)?;
    SlabBox::new(cx, cache, 1)?;
    RcuRef::new(cx, rcu_cache, |_| ())?;
    MempoolBox::new(cx, pool, 1);
    ObjPool::new(cx, 1, |_| 1)?;
    PerCpu::<CpuLocal<u64>>::zeroed(cx)?;
    Devm::new(cx, dev, 1)?;
    Ok(())
}

/// The same where it must not sleep.
pub fn by_default_in_atomic<C: MayAlloc>(cx: &C, cache: &Cache<u64>, pool: &Mempool<u64>) -> Result {
    KBox::new(cx, 1)?;
    KVec::new().push(cx, 1)?;
    SlabBox::new(cx, cache, 1)?;
    MempoolBox::try_new(cx, pool, 1)?;
    PerCpu::<CpuLocal<u64>>::zeroed(cx)?;
    Ok(())
}
