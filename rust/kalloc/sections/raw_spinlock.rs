// SPDX-License-Identifier: GPL-2.0

//! [`RawSpinLock`] and [`RawSpinLockIrq`]: `raw_spinlock_t`, which spins on every kernel, also on
//! `CONFIG_PREEMPT_RT`.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::sections::section::{
    Data,
    Pinned, //
};
use core::{
    fmt,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        lock_class_key,
        raw_spinlock_t, //
    },
    ffi::{
        c_char,
        c_ulong, //
    },
    prelude::*,
    sync::{
        lock::{
            Backend,
            Guard,
            Lock, //
        },
        LockClassKey, //
    },
};

/// Wraps `lockdep_assert_held()`.
///
/// # Safety
///
/// The lock is initialised.
#[inline(always)]
unsafe fn assert_is_held(_lock: *mut raw_spinlock_t) {
    #[cfg(CONFIG_LOCKDEP)]
    // SAFETY: `# Safety`: the lock is initialised.
    unsafe {
        kalloc_helper_raw_spin_assert_is_held(_lock)
    }
}

/// `raw_spin_lock()`, of [`RawSpinLock`].
#[derive(Debug)]
pub(crate) enum RawSpinLockBackend {}

/// `raw_spin_lock_irqsave()`, of [`RawSpinLockIrq`].
#[derive(Debug)]
pub(crate) enum RawSpinLockIrqBackend {}

// SAFETY: A `raw_spinlock_t` has one owner at a time, and `relock` is `lock`.
unsafe impl Backend for RawSpinLockBackend {
    type State = raw_spinlock_t;
    type GuardState = ();

    #[inline]
    unsafe fn init(ptr: *mut raw_spinlock_t, name: *const c_char, key: *mut lock_class_key) {
        // SAFETY: `# Safety` of `Backend::init`: the pointers are valid, and `ptr` is pinned.
        unsafe { kalloc_helper_raw_spin_lock_init(ptr, name, key) }
    }

    #[inline(always)]
    unsafe fn lock(ptr: *mut raw_spinlock_t) {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { calls::raw_spin_lock(ptr) }
    }

    #[inline(always)]
    unsafe fn try_lock(ptr: *mut raw_spinlock_t) -> Option<()> {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { kalloc_helper_raw_spin_trylock(ptr) }.then_some(())
    }

    #[inline(always)]
    unsafe fn unlock(ptr: *mut raw_spinlock_t, _state: &()) {
        // SAFETY: `# Safety` of `Backend::unlock`: the caller holds the lock.
        unsafe { calls::raw_spin_unlock(ptr) }
    }

    #[inline(always)]
    unsafe fn assert_is_held(ptr: *mut raw_spinlock_t) {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { assert_is_held(ptr) }
    }
}

// SAFETY: A `raw_spinlock_t` has one owner at a time, and `relock` is `lock`.
unsafe impl Backend for RawSpinLockIrqBackend {
    type State = raw_spinlock_t;
    type GuardState = c_ulong;

    #[inline]
    unsafe fn init(ptr: *mut raw_spinlock_t, name: *const c_char, key: *mut lock_class_key) {
        // SAFETY: `# Safety` of `Backend::init`: the pointers are valid, and `ptr` is pinned.
        unsafe { kalloc_helper_raw_spin_lock_init(ptr, name, key) }
    }

    #[inline(always)]
    unsafe fn lock(ptr: *mut raw_spinlock_t) -> c_ulong {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { calls::raw_spin_lock_irqsave(ptr) }
    }

    #[inline(always)]
    unsafe fn try_lock(ptr: *mut raw_spinlock_t) -> Option<c_ulong> {
        let mut flags = 0;
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { kalloc_helper_raw_spin_trylock_irqsave(ptr, &mut flags) }.then_some(flags)
    }

    #[inline(always)]
    unsafe fn unlock(ptr: *mut raw_spinlock_t, flags: &c_ulong) {
        // SAFETY: `# Safety` of `Backend::unlock`: the caller holds the lock, taken with these
        // flags.
        unsafe { calls::raw_spin_unlock_irqrestore(ptr, *flags) }
    }

    #[inline(always)]
    unsafe fn assert_is_held(ptr: *mut raw_spinlock_t) {
        // SAFETY: `# Safety` of `Backend`: the lock is initialised.
        unsafe { assert_is_held(ptr) }
    }
}

macro_rules! locks {
    ($(
        $(#[$doc:meta])*
        $name:ident, $backend:ident, $guard:ident, $new:ident;
    )*) => {$(
        $(#[$doc])*
        #[pin_data]
        pub struct $name<T: ?Sized> {
            // Private: the kernel crate's `Lock` could be taken without a token.
            #[pin]
            lock: Lock<T, $backend>,
        }

        impl<T> $name<T> {
            #[doc = concat!("An initialiser, for [`", stringify!($new), "!`]; wraps `raw_spin_lock_init()`.")]
            pub fn new(
                data: impl PinInit<T>,
                name: &'static CStr,
                key: Pin<&'static LockClassKey>,
            ) -> impl PinInit<Self> {
                pin_init!(Self {
                    lock <- Lock::new(data, name, key),
                })
            }
        }

        impl<T: ?Sized> $name<T> {
            #[inline(always)]
            pub(crate) fn guard(&self) -> $guard<'_, T> {
                $guard(self.lock.lock())
            }
        }

        #[doc = concat!("A [`", stringify!($name), "`] that is held.")]
        // Not the kernel crate's guard: a driver can name the type of a section's guard, and would
        // get the back end from it.
        pub struct $guard<'l, T: ?Sized>(Guard<'l, T, $backend>);

        impl<T: ?Sized> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($guard))
            }
        }

        impl<T: ?Sized> Deref for $guard<'_, T> {
            type Target = T;
            #[inline(always)]
            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T: ?Sized + Unpin> DerefMut for $guard<'_, T> {
            #[inline(always)]
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }

        impl<T: ?Sized + Unpin> Data for $guard<'_, T> {
            type Of<'x>
                = &'x mut T
            where
                Self: 'x;
            #[inline(always)]
            fn data(&mut self) -> &mut T {
                self
            }
        }

        impl<T: ?Sized> Pinned for $guard<'_, T> {
            type Of = T;
            #[inline(always)]
            fn data(&mut self) -> Pin<&mut T> {
                self.0.as_mut()
            }
        }

        impl<T: ?Sized> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

locks! {
    /// Data under a `raw_spinlock_t`, which disables preemption on every kernel.
    ///
    /// Only [`RawLockExt::raw_locked`](crate::sync::RawLockExt::raw_locked) takes it, with a token.
    /// For data shared with a hard interrupt handler use [`RawSpinLockIrq`].
    ///
    /// ```
    /// use kalloc::{prelude::*, sync::{new_raw_spinlock, RawSpinLock}};
    ///
    /// fn make(task: &TaskCx) -> Result<Pin<KBox<RawSpinLock<u32>>>> {
    ///     KBox::pin_init(task, new_raw_spinlock!(0))
    /// }
    /// ```
    RawSpinLock, RawSpinLockBackend, RawSpinLockGuard, new_raw_spinlock;
    /// Data under a `raw_spinlock_t` that is taken with interrupts disabled, on every kernel.
    ///
    /// Only [`RawLockExt::raw_locked_irq`](crate::sync::RawLockExt::raw_locked_irq) takes it, with
    /// a token. For data shared with a hard interrupt handler that `CONFIG_PREEMPT_RT` does not
    /// thread. For a handler that it threads use [`SpinLockIrq`](kernel::sync::SpinLockIrq).
    RawSpinLockIrq, RawSpinLockIrqBackend, RawSpinLockIrqGuard, new_raw_spinlock_irq;
}

/// An initialiser of a [`RawSpinLock`], with a name (by default file and line) and its own lock
/// class.
#[macro_export]
macro_rules! new_raw_spinlock {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::sync::RawSpinLock::new(
            $data, $crate::__macro::kernel::optional_name!($($name)?), $crate::__macro::kernel::static_lock_class!())
    };
}
pub use new_raw_spinlock;

/// As [`new_raw_spinlock!`], of a [`RawSpinLockIrq`].
#[macro_export]
macro_rules! new_raw_spinlock_irq {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::sync::RawSpinLockIrq::new(
            $data, $crate::__macro::kernel::optional_name!($($name)?), $crate::__macro::kernel::static_lock_class!())
    };
}
pub use new_raw_spinlock_irq;
