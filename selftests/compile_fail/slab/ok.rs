// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use core::pin::Pin;
use kalloc::{prelude::*, slab::*};
use kernel::sync::{
    atomic::{Atomic as AtomicCell, Relaxed},
    Arc,
};

pub struct Request {
    pub sector: u64,
    pub text: [u8; 64],
}

pub fn create(task: &TaskCx) -> Result<Cache<u64>> {
    let cache = Cache::create(task, &Args::new(c"numbers").align::<64>().cache_dma32())?;
    drop(SlabBox::new(task, &cache, 1)?);
    Ok(cache)
}

pub fn window() -> Args<'static, Request> {
    Args::new(c"request").usercopy(kalloc::usercopy!(Request, text))
}

pub fn destroy(task: &TaskCx, cache: Cache<u64>) -> Result {
    let number = SlabBox::new(task, &cache, 1)?;
    drop(number);
    cache.destroy(task);
    Ok(())
}

pub fn returned(task: &TaskCx, cache: &Arc<Cache<u64>>) -> Result<SlabBox<u64, Arc<Cache<u64>>>> {
    Ok(SlabBox::new(task, cache.clone(), 1)?)
}

pub fn flags(task: &TaskCx, cx: &AtomicCx<'_>, cache: &Cache<u64>) -> Result {
    SlabBox::new(task.with(GFP_KERNEL.account().noretry()), cache, 1)?;
    SlabBox::new(cx, cache, 1)?;
    SlabBulk::<_, 16, _>::from_fn(cx, cache, |i| i as u64)?;
    let Ok(_number) = SlabBox::new(task.with(GFP_KERNEL.nofail()), cache, 1);
    Ok(())
}

pub struct Session {
    pub id: AtomicCell<u64>,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { id: AtomicCell::new(0) })
    }
}

impl Constructed for Session {
    fn reset(self: Pin<&mut Self>) {
        self.id.store(0, Relaxed);
    }
}

pub fn constructed(task: &TaskCx, cx: &IrqCx<'_>) -> Result {
    let cache = ConstructedCache::<Session>::create(task, &Args::new(c"session"))?;
    ConstructedBox::new(task.with(GFP_KERNEL.nowarn()), &cache)?;
    ConstructedBox::new(cx, &cache)?;
    Ok(())
}

pub fn rcu(task: &mut TaskCx, cache: &RcuCache<Session>) -> Result {
    let cell = RcuSlot::new(cache);
    let session = RcuRef::new(&task, cache, |session: &Session| session.id.store(1, Relaxed))?;
    session.id.store(2, Relaxed);
    drop(cell.replace(Some(session)));
    let found = task.rcu_read(|guard, _cx| cell.get(guard, |session| session.id.load(Relaxed) == 2));
    drop(found);
    Ok(())
}
