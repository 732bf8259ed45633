// SPDX-License-Identifier: GPL-2.0

//! `spinlock_t` and `rwlock_t`, taken where the allocators work.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

#[cfg(not(CONFIG_PREEMPT_RT))]
use crate::sections::raw_spinlock as raw;
use core::ptr;
#[cfg(CONFIG_PREEMPT_RT)]
use kernel::bindings::{
    rt_spin_lock as spin_lock,
    rt_spin_unlock as spin_unlock, //
};
use kernel::{
    bindings::{
        lock_class_key,
        spinlock_t, //
    },
    ffi::c_char,
    sync::{
        lock::{
            self,
            spinlock,
            Backend, //
        },
        SpinLock, //
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
pub(crate) fn direct<T: ?Sized>(lock: &SpinLock<T>) -> &lock::Lock<T, DirectSpinLockBackend> {
    // SAFETY: The type is `repr(C)`, and of its backend has the state alone, which is the same: so
    // have the two the same layout, as `SpinLockIrq::lock_with` of the kernel crate relies on. Both
    // backends take and leave the lock by the same functions of C, so one excludes the other.
    unsafe { &*(ptr::from_ref(lock) as *const lock::Lock<T, DirectSpinLockBackend>) }
}
