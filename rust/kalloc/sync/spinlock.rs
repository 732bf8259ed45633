// SPDX-License-Identifier: GPL-2.0

//! `spinlock_t` and `rwlock_t`, taken where the allocators work.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

#[cfg(not(CONFIG_PREEMPT_RT))]
use super::raw;
use super::{Locked, ReadGuard, RwLock, Section, WriteGuard};
use crate::context::Allocate;
use core::{pin::Pin, ptr};
#[cfg(CONFIG_PREEMPT_RT)]
use kernel::bindings::{rt_spin_lock as spin_lock, rt_spin_unlock as spin_unlock};
use kernel::{
    bindings::{lock_class_key, spinlock_t},
    ffi::c_char,
    sync::{
        lock::{
            self,
            spinlock::{self, SpinLockIrqBackend},
            Backend,
        },
        SpinLock, SpinLockIrq,
    },
};

/// Wraps `spin_lock()`.
///
/// # Safety
///
/// As `spin_lock()`: the lock is initialised, and code that may run here may take it.
#[cfg(not(CONFIG_PREEMPT_RT))]
#[inline(always)]
unsafe fn spin_lock(lock: *mut spinlock_t) {
    // SAFETY: By the contract of this function. A `spinlock_t` begins with its `raw_spinlock_t`.
    unsafe { raw::c::raw_spin_lock(lock.cast()) }
}

/// Wraps `spin_unlock()`.
///
/// # Safety
///
/// The caller has the lock.
#[cfg(not(CONFIG_PREEMPT_RT))]
#[inline(always)]
unsafe fn spin_unlock(lock: *mut spinlock_t) {
    // SAFETY: As for `spin_lock`.
    unsafe { raw::c::raw_spin_unlock(lock.cast()) }
}

/// `spin_lock()`, of [`SpinLock`], by the calls that C makes: the kernel crate's own backend, whose
/// state this shares, calls a helper for each of C's inline functions.
#[derive(Debug)]
pub enum DirectSpinLockBackend {}

// SAFETY: A `spinlock_t` has one owner at a time; `relock` is `lock`.
unsafe impl Backend for DirectSpinLockBackend {
    type State = spinlock_t;
    type GuardState = ();

    #[inline]
    unsafe fn init(ptr: *mut spinlock_t, name: *const c_char, key: *mut lock_class_key) {
        // SAFETY: By the contract of this function.
        unsafe { spinlock::SpinLockBackend::init(ptr, name, key) }
    }

    #[inline(always)]
    unsafe fn lock(ptr: *mut spinlock_t) {
        // SAFETY: By the contract of this function the lock is initialised.
        unsafe { spin_lock(ptr) }
    }

    #[inline(always)]
    unsafe fn try_lock(ptr: *mut spinlock_t) -> Option<()> {
        // SAFETY: By the contract of this function.
        unsafe { spinlock::SpinLockBackend::try_lock(ptr) }
    }

    #[inline(always)]
    unsafe fn unlock(ptr: *mut spinlock_t, _state: &()) {
        // SAFETY: By the contract of this function the caller has the lock.
        unsafe { spin_unlock(ptr) }
    }

    #[inline(always)]
    unsafe fn assert_is_held(_ptr: *mut spinlock_t) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: By the contract of this function the lock is initialised.
        unsafe {
            spinlock::SpinLockBackend::assert_is_held(_ptr)
        }
    }
}

/// The same lock, which takes it as C does.
#[inline(always)]
fn direct<T: ?Sized>(lock: &SpinLock<T>) -> &lock::Lock<T, DirectSpinLockBackend> {
    // SAFETY: The type is `repr(C)`, and of its backend has the state alone, which is the same: so
    // have the two the same layout, as `SpinLockIrq::lock_with` of the kernel crate relies on. Both
    // backends take and leave the lock by the same functions of C, so one excludes the other.
    unsafe { &*(ptr::from_ref(lock) as *const lock::Lock<T, DirectSpinLockBackend>) }
}

/// Taking spinlocks, in every context that may.
pub trait Lock: Allocate {
    /// Runs `f` with `lock` held, wraps `spin_lock()` and `spin_unlock()`.
    ///
    /// `f` must not sleep, and cannot: its token is [`Atomic`](crate::context::Atomic) or stricter.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::SpinLock;
    ///
    /// fn push(task: &mut Task, list: &SpinLock<Option<KBox<u32>>>) -> Result {
    ///     task.locked(list, |head, cx| -> Result {
    ///         *head = Some(KBox::new(&cx, 1)?);
    ///         Ok(())
    ///     })
    /// }
    /// ```
    #[inline(always)]
    fn locked<T, R>(
        &mut self,
        lock: &SpinLock<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized + Unpin,
    {
        let mut section = self.lock(lock);
        let (data, cx) = section.split();
        f(data, cx)
    }

    /// As [`Lock::locked`], for data that must not be moved.
    #[inline(always)]
    fn locked_pin<T, R>(
        &mut self,
        lock: &SpinLock<T>,
        f: impl for<'x> FnOnce(Pin<&mut T>, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized,
    {
        let mut section = self.lock(lock);
        let (data, cx) = section.split_pin();
        f(data, cx)
    }

    /// Takes `lock` until the section is dropped, wraps `spin_lock()`.
    ///
    /// Leaking the section leaves the lock held with the token around it usable again;
    /// [`Lock::locked`] cannot.
    #[inline(always)]
    fn lock<'c, 'l, T: ?Sized>(
        &'c mut self,
        lock: &'l SpinLock<T>,
    ) -> Locked<'c, 'l, T, Self::Locked<'c>> {
        // SAFETY: With a spinlock held the code must not sleep, and the context was one in which
        // the allocators work: that is what `Self::Locked` permits. `self` is borrowed for `'c`.
        unsafe { Section::new(direct(lock).lock()) }
    }

    /// Runs `f` with `lock` held and interrupts off, wraps `spin_lock_irqsave()` and
    /// `spin_unlock_irqrestore()` (as the kernel crate does: by `spin_lock_irq_disable()`, which
    /// counts).
    ///
    /// For data that a hard interrupt shares. On `CONFIG_PREEMPT_RT`, where the handler is a thread,
    /// interrupts stay on.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::SpinLockIrq;
    ///
    /// fn take(task: &mut Task, last: &SpinLockIrq<Option<KBox<u32>>>) -> Option<KBox<u32>> {
    ///     task.locked_irq(last, |last, _cx| last.take())
    /// }
    /// ```
    #[inline(always)]
    fn locked_irq<T, R>(
        &mut self,
        lock: &SpinLockIrq<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::LockedIrq<'x>) -> R,
    ) -> R
    where
        T: ?Sized + Unpin,
    {
        let mut section = self.lock_irq(lock);
        let (data, cx) = section.split();
        f(data, cx)
    }

    /// Takes `lock`, with interrupts off, until the section is dropped: as [`Lock::locked_irq`].
    ///
    /// Leaking the section leaves the lock held and interrupts off with the token around it usable
    /// again; [`Lock::locked_irq`] cannot.
    #[inline(always)]
    fn lock_irq<'c, 'l, T: ?Sized>(
        &'c mut self,
        lock: &'l SpinLockIrq<T>,
    ) -> Locked<'c, 'l, T, Self::LockedIrq<'c>, SpinLockIrqBackend> {
        // SAFETY: With a spinlock held and interrupts off the code must not sleep, and the context
        // was one in which the allocators work: that is what `Self::LockedIrq` permits. `self` is
        // borrowed for `'c`.
        unsafe { Section::new(lock.lock()) }
    }

    /// Runs `f` with `lock` held for reading, wraps `read_lock()` and `read_unlock()`.
    ///
    /// ```
    /// use kalloc::{prelude::*, sync::RwLock};
    ///
    /// fn limit(task: &mut Task, limits: &RwLock<[u32; 4]>, of: usize) -> Option<u32> {
    ///     task.read_locked(limits, |limits, _cx| limits.get(of).copied())
    /// }
    /// ```
    #[inline(always)]
    fn read_locked<T, R>(
        &mut self,
        lock: &RwLock<T>,
        f: impl for<'x> FnOnce(&T, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized,
    {
        let mut section = self.read_lock(lock);
        let (data, cx) = section.split();
        f(data, cx)
    }

    /// Takes `lock` for reading until the section is dropped, wraps `read_lock()`.
    ///
    /// Leaking the section leaves the lock held with the token around it usable again;
    /// [`Lock::read_locked`] cannot.
    #[inline(always)]
    fn read_lock<'c, 'l, T: ?Sized>(
        &'c mut self,
        lock: &'l RwLock<T>,
    ) -> Section<'c, ReadGuard<'l, T>, Self::Locked<'c>> {
        // SAFETY: As for `lock`.
        unsafe { Section::new(lock.read()) }
    }

    /// Runs `f` with `lock` held for writing, wraps `write_lock()` and `write_unlock()`.
    #[inline(always)]
    fn write_locked<T, R>(
        &mut self,
        lock: &RwLock<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized,
    {
        let mut section = self.write_lock(lock);
        let (data, cx) = section.split();
        f(data, cx)
    }

    /// Takes `lock` for writing until the section is dropped, wraps `write_lock()`.
    ///
    /// Leaking the section leaves the lock held with the token around it usable again;
    /// [`Lock::write_locked`] cannot.
    #[inline(always)]
    fn write_lock<'c, 'l, T: ?Sized>(
        &'c mut self,
        lock: &'l RwLock<T>,
    ) -> Section<'c, WriteGuard<'l, T>, Self::Locked<'c>> {
        // SAFETY: As for `lock`.
        unsafe { Section::new(lock.write()) }
    }
}
impl<C: Allocate> Lock for C {}
