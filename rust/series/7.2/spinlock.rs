// SPDX-License-Identifier: GPL-2.0

//! The kernel crate has `SpinLockIrq` since 7.3.

use core::{
    fmt,
    pin::Pin, //
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    ffi::{
        c_char,
        c_ulong, //
    },
    prelude::*,
    sync::{
        lock,
        LockClassKey, //
    },
};

/// `spin_lock_irqsave()`.
#[derive(Debug)]
pub enum SpinLockIrqBackend {}

// SAFETY: A `spinlock_t` has one owner at a time, and `relock` is `lock`.
unsafe impl lock::Backend for SpinLockIrqBackend {
    type State = bindings::spinlock_t;
    // On PREEMPT_RT the lock leaves interrupts as they are.
    #[cfg(not(CONFIG_PREEMPT_RT))]
    type GuardState = c_ulong;
    #[cfg(CONFIG_PREEMPT_RT)]
    type GuardState = ();

    #[inline]
    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut bindings::lock_class_key) {
        // SAFETY: `# Safety` of `Backend::init`: the pointers are valid, and `ptr` is pinned.
        unsafe { bindings::__spin_lock_init(ptr, name, key) }
    }

    #[inline(always)]
    unsafe fn lock(ptr: *mut Self::State) -> Self::GuardState {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised. A `spinlock_t` begins with its
        // `raw_spinlock_t`.
        #[cfg(not(CONFIG_PREEMPT_RT))]
        return unsafe { calls::raw_spin_lock_irqsave(ptr.cast()) };
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        #[cfg(CONFIG_PREEMPT_RT)]
        unsafe {
            calls::spin_lock(ptr)
        }
    }

    #[inline(always)]
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<Self::GuardState> {
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            let mut flags = 0;
            // SAFETY: `# Safety` of `Backend`: the lock is initialised. A `spinlock_t` begins with
            // its `raw_spinlock_t`.
            unsafe { kalloc_helper_raw_spin_trylock_irqsave(ptr.cast(), &mut flags) }
                .then_some(flags)
        }
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        #[cfg(CONFIG_PREEMPT_RT)]
        (unsafe { bindings::spin_trylock(ptr) } != 0).then_some(())
    }

    #[inline(always)]
    unsafe fn unlock(ptr: *mut Self::State, _state: &Self::GuardState) {
        // SAFETY: `# Safety` of `Backend::unlock`: the caller holds the lock, taken with this
        // state.
        #[cfg(not(CONFIG_PREEMPT_RT))]
        unsafe {
            calls::raw_spin_unlock_irqrestore(ptr.cast(), *_state)
        }
        // SAFETY: `# Safety` of `Backend::unlock`: the caller holds the lock.
        #[cfg(CONFIG_PREEMPT_RT)]
        unsafe {
            calls::spin_unlock(ptr)
        }
    }

    #[inline(always)]
    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { bindings::spin_assert_is_held(ptr) }
    }
}

/// Data under a `spinlock_t` that is taken with interrupts disabled: `SpinLockIrq` of the kernel
/// crate of Linux 7.3.
///
/// Only [`LockExt::locked_irq`](crate::sync::LockExt::locked_irq) takes it, with a token.
#[pin_data]
pub struct SpinLockIrq<T: ?Sized> {
    // Private: guards of the kernel crate's `Lock` may be dropped in any order, and the first would
    // enable interrupts.
    #[pin]
    lock: lock::Lock<T, SpinLockIrqBackend>,
}

impl<T> SpinLockIrq<T> {
    /// An initialiser, for [`new_spinlock_irq!`]; wraps `spin_lock_init()`.
    pub fn new(
        data: impl PinInit<T>,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            lock <- lock::Lock::new(data, name, key),
        })
    }
}

impl<T: ?Sized> SpinLockIrq<T> {
    #[inline(always)]
    pub(crate) fn lock(&self) -> lock::Guard<'_, T, SpinLockIrqBackend> {
        self.lock.lock()
    }

    /// Whether somebody has the lock.
    pub fn is_taken(&self) -> bool {
        self.lock.try_lock().is_none()
    }
}

impl<T: ?Sized> fmt::Debug for SpinLockIrq<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinLockIrq").finish_non_exhaustive()
    }
}

/// An initialiser of a [`SpinLockIrq`], with a name (by default file and line) and its own lock
/// class.
#[macro_export]
macro_rules! new_spinlock_irq {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::sync::SpinLockIrq::new(
            $data, $crate::__macro::kernel::optional_name!($($name)?), $crate::__macro::kernel::static_lock_class!())
    };
}
pub use new_spinlock_irq;
