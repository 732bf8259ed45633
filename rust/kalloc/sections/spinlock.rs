// SPDX-License-Identifier: GPL-2.0

//! `spinlock_t` and `rwlock_t`, taken where the allocators work.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use core::ptr;
use kalloc_bindings::calls;
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
        unsafe { calls::spin_lock(ptr) }
    }

    #[inline(always)]
    unsafe fn try_lock(ptr: *mut spinlock_t) -> Option<()> {
        // SAFETY: By the contract of this function.
        unsafe { spinlock::SpinLockBackend::try_lock(ptr) }
    }

    #[inline(always)]
    unsafe fn unlock(ptr: *mut spinlock_t, _state: &()) {
        // SAFETY: By the contract of this function the caller has the lock.
        unsafe { calls::spin_unlock(ptr) }
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
