// SPDX-License-Identifier: GPL-2.0

//! [`DirectSpinLockBackend`]: `spinlock_t`, taken by the calls that C makes.
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

/// `spin_lock()`, of [`SpinLock`], by the calls that C makes. The kernel crate's own backend, which
/// has the same state, calls a helper for each of C's inline functions.
#[derive(Debug)]
pub enum DirectSpinLockBackend {}

// SAFETY: A `spinlock_t` has one owner at a time, and `relock` is `lock`.
unsafe impl Backend for DirectSpinLockBackend {
    type State = spinlock_t;
    type GuardState = ();

    #[inline]
    unsafe fn init(ptr: *mut spinlock_t, name: *const c_char, key: *mut lock_class_key) {
        // SAFETY: `# Safety` of `Backend::init`: the pointers are valid, and `ptr` is pinned.
        unsafe { spinlock::SpinLockBackend::init(ptr, name, key) }
    }

    #[inline(always)]
    unsafe fn lock(ptr: *mut spinlock_t) {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { calls::spin_lock(ptr) }
    }

    #[inline(always)]
    unsafe fn try_lock(ptr: *mut spinlock_t) -> Option<()> {
        // SAFETY: `# Safety` of `Backend::try_lock`: the lock is initialised.
        unsafe { spinlock::SpinLockBackend::try_lock(ptr) }
    }

    #[inline(always)]
    unsafe fn unlock(ptr: *mut spinlock_t, _state: &()) {
        // SAFETY: `# Safety` of `Backend::unlock`: the caller holds the lock.
        unsafe { calls::spin_unlock(ptr) }
    }

    #[inline(always)]
    unsafe fn assert_is_held(_ptr: *mut spinlock_t) {
        #[cfg(CONFIG_LOCKDEP)]
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe {
            spinlock::SpinLockBackend::assert_is_held(_ptr)
        }
    }
}

/// The same lock with the backend that makes C's calls.
#[inline(always)]
pub(crate) fn direct<T: ?Sized>(lock: &SpinLock<T>) -> &lock::Lock<T, DirectSpinLockBackend> {
    // SAFETY: `Lock` is `repr(C)` and of its backend contains only the state, which is the same for
    // both. So both types have the same layout, as `SpinLockIrq::lock_with` of the kernel crate
    // assumes too. Both backends lock and unlock by the same functions of C, so they exclude each
    // other.
    unsafe { &*(ptr::from_ref(lock) as *const lock::Lock<T, DirectSpinLockBackend>) }
}
