// SPDX-License-Identifier: GPL-2.0

//! A driver that does everything behind kalloc's back, once: `host/clippy.sh` has clippy say so of
//! each line. It is not built otherwise.

use core::{
    mem::{ManuallyDrop, MaybeUninit},
    pin::Pin,
};
use kernel::{
    alloc::KVec,
    init::InPlaceInit,
    page::Page,
    prelude::*,
    sync::{global_lock, rcu, Arc, Completion, CondVar, Mutex, SpinLock, UniqueArc},
    time::{delay::fsleep, Delta},
};

global_lock! {
    // SAFETY: It is initialised before its first use.
    unsafe(uninit) static GLOBAL: SpinLock<u32> = 0;
}

/// Sections that no token knows of.
pub fn sections(lock: &SpinLock<u32>) {
    let guard = lock.lock();
    core::mem::forget(guard);
    let _ = ManuallyDrop::new(lock.try_lock());
    let _ = GLOBAL.lock();
    let _ = rcu::read_lock();
    let _ = rcu::Guard::new();
    let _ = kernel::interrupt::local_interrupt_disable();
}

/// Guards that are never dropped.
pub fn leaks(task: &mut kalloc::context::Task, lock: &SpinLock<u32>) -> Result {
    use kalloc::sync::Lock;
    let _ = MaybeUninit::new(task.lock(lock));
    let place = kalloc::boxed::KBox::new_uninit(&task)?;
    let _ = place.write(task.lock(lock)).leak();
    let place = kalloc::boxed::KBox::new_uninit(&task)?;
    let _ = place.write(task.lock(lock)).into_raw();
    let _ = KBox::leak(KBox::<u32>::new(1, GFP_KERNEL)?);
    let _ = KBox::into_raw(KBox::<u32>::new(1, GFP_KERNEL)?);
    Ok(())
}

/// Sleep that no token allowed.
pub fn waits(mutex: &Mutex<u32>, condvar: &CondVar, done: &Completion) {
    let mut guard = mutex.lock();
    condvar.wait(&mut guard);
    let _ = condvar.wait_interruptible(&mut guard);
    let _ = condvar.wait_interruptible_timeout(&mut guard, 1);
    drop(guard);
    done.wait_for_completion();
    rcu::synchronize_rcu();
    rcu::rcu_barrier();
    fsleep(Delta::from_millis(1));
}

/// Allocation with flags that nobody checked.
pub fn allocations() -> Result {
    let _ = KBox::new(1u32, GFP_KERNEL)?;
    let _ = KBox::<u32>::new_uninit(GFP_KERNEL)?;
    let _ = KBox::<u32>::zeroed(GFP_KERNEL)?;
    let _ = KBox::pin(1u32, GFP_KERNEL)?;
    let _: Pin<KBox<[u32]>> = KBox::pin_slice(|_| Ok::<_, Error>(1), 3, GFP_KERNEL)?;
    let mut vec = KVec::with_capacity(3, GFP_KERNEL)?;
    vec.push(1u32, GFP_KERNEL)?;
    vec.reserve(1, GFP_KERNEL)?;
    vec.extend_with(1, 1, GFP_KERNEL)?;
    vec.extend_from_slice(&[1], GFP_KERNEL)?;
    vec.resize(9, 1, GFP_KERNEL)?;
    let _ = KVec::from_elem(1u32, 3, GFP_KERNEL)?;
    let _ = <KBox<u32> as InPlaceInit<u32>>::pin_init(1, GFP_KERNEL)?;
    let _ = <KBox<u32> as InPlaceInit<u32>>::init(1, GFP_KERNEL)?;
    let _ = KBox::<u32>::try_pin_init(Ok::<_, Error>(1), GFP_KERNEL)?;
    let _ = KBox::<u32>::try_init(Ok::<_, Error>(1), GFP_KERNEL)?;
    let _ = Arc::new(1u32, GFP_KERNEL)?;
    let _ = UniqueArc::new(1u32, GFP_KERNEL)?;
    let _ = Page::alloc_page(GFP_KERNEL)?;
    Ok(())
}
