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

pub fn zones(task: &Task) {
    let _ = task.with(Kernel.dma());
    let _ = task.with(Kernel.dma32());
    let _ = task.with(User.highmem());
    let _ = task.with(HighUser);
}

pub fn when_memory_is_short(task: &Task) {
    let _ = task.with(Kernel.noretry());
    let _ = task.with(Kernel.retry_mayfail());
    let _ = task.with(GfpNoIo.nofail());
    let _ = task.with(Kernel.thisnode());
}

pub fn mobility(task: &Task) {
    let _ = task.with(Kernel.movable());
    let _ = task.with(Kernel.reclaimable());
    let _ = task.with(HighUserMovable);
}

pub fn together(task: &Task) {
    let _ = task.with(
        Kernel
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
pub fn by_default<C: Sleep, T: Construct + Sync>(
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
pub fn by_default_in_atomic<C: Allocate>(cx: &C, cache: &Cache<u64>, pool: &Mempool<u64>) -> Result {
    KBox::new(cx, 1)?;
    KVec::new().push(cx, 1)?;
    SlabBox::new(cx, cache, 1)?;
    MempoolBox::try_new(cx, pool, 1)?;
    PerCpu::<CpuLocal<u64>>::zeroed(cx)?;
    Ok(())
}
