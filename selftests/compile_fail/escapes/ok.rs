// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{
    mempool::Mempool,
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration, MiscRegistration},
    percpu::{field, CpuLocal},
    prelude::*,
};
use kernel::{
    fs::File,
    sync::{CondVar, Mutex, SpinLock},
    types::ScopeGuard,
};

/// What is done at the end of a section is done with its token.
pub fn callbacks(task: &mut TaskCx, lock: &SpinLock<u32>) {
    let callback: &dyn Fn(&AtomicCx<'_>) = &|cx| drop(KBox::new(cx, 1u32));
    task.locked(lock, |_data, cx| {
        let _later = ScopeGuard::new(|| callback(cx));
    });
}

/// Sections end in the reverse of their order.
pub fn sections(task: &mut TaskCx) {
    section!(outer = task, local_irq_save());
    {
        section!(inner = outer.cx(), local_irq_save());
        let _raw = inner.cx();
    }
    outer.end();
}

/// Another lock is taken by the token of the section.
pub fn locks(task: &mut TaskCx, locks: &[SpinLock<u32>; 2]) {
    task.locked(&locks[0], |a, cx| cx.locked(&locks[1], |b, _cx| core::mem::swap(a, b)))
}

/// A future does not hold a lock while it waits.
pub async fn future(task: &mut TaskCx, lock: &SpinLock<u32>) -> u32 {
    let value = task.locked(lock, |data, _cx| *data);
    core::future::ready(()).await;
    value
}

/// Who waits has a mutex, and no spinlock.
pub fn wait(task: &mut TaskCx, mutex: &Mutex<u32>, lock: &SpinLock<u32>, filled: &CondVar) {
    task.mutex_locked(mutex, |guard, task| {
        task.locked(lock, |_data, _cx| ());
        task.wait(filled, guard)
    })
}

pub struct Stats {
    bytes: CpuLocal<u64>,
}

pub fn sum(stats: &PerCpu<Stats>) -> u64 {
    stats.at(field!(Stats, bytes)).sum()
}

/// A file owns what it has.
pub struct Open(u32);

#[vtable]
impl MiscDevice for Open {
    type Ptr = Pin<KBox<Self>>;
    type Data = u32;

    fn open(_file: &File, misc: &MiscDeviceRegistration<Self>, task: &mut TaskCx) -> Result<Self::Ptr> {
        Ok(KBox::pin(&task, Open(*misc.data()))?)
    }

    fn release(device: Self::Ptr, _file: &File, _task: &mut TaskCx) {
        pr_info!("{}\n", device.0);
    }
}

/// A registration may be dropped where nothing sleeps.
pub fn register(task: &mut TaskCx, lock: &SpinLock<Option<MiscRegistration<Open>>>) -> Result {
    let open = MiscRegistration::new(&task, MiscDeviceOptions { name: c"open" }, 7)?;
    task.locked(lock, |slot, _cx| *slot = Some(open));
    task.locked(lock, |slot, _cx| *slot = None);
    Ok(())
}

const fn reserve() -> usize {
    4
}

pub struct Example;

impl kalloc::Module for Example {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Example)
    }
}

kalloc::module! {
    type: Example,
    pools: { static Reserve: Mempool<u32> = reserve(); },
    name: "example",
    license: "GPL",
}
