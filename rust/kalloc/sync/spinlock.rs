// SPDX-License-Identifier: GPL-2.0

//! `spinlock_t` and `rwlock_t`, taken where the allocators work.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

#[cfg(not(CONFIG_PREEMPT_RT))]
use super::raw;
use super::{enter, within, RwLock};
use crate::context::Allocate;
use core::{pin::Pin, ptr};
#[cfg(CONFIG_PREEMPT_RT)]
use kernel::bindings::{rt_spin_lock as spin_lock, rt_spin_unlock as spin_unlock};
use kernel::{
    bindings::{lock_class_key, spinlock_t},
    ffi::c_char,
    sync::{
        lock::{self, spinlock, Backend},
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
pub(super) fn direct<T: ?Sized>(lock: &SpinLock<T>) -> &lock::Lock<T, DirectSpinLockBackend> {
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
        within(self, enter::lock(lock), |data, cx| f(data, cx))
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
        within(self, enter::lock(lock), |data, cx| f(data.as_mut(), cx))
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
        within(self, enter::lock_irq(lock), |data, cx| f(data, cx))
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
        within(self, enter::read_lock(lock), |data, cx| f(data, cx))
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
        within(self, enter::write_lock(lock), |data, cx| f(data, cx))
    }
}
impl<C: Allocate> Lock for C {}
