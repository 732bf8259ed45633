// SPDX-License-Identifier: GPL-2.0

//! [`RwLock`]: `rwlock_t`.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::sections::section::Data;
use core::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomPinned,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::rwlock_t,
    prelude::*,
    sync::LockClassKey,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// An initialiser of a [`RwLock`], with a name (by default file and line) and its own lock class.
#[macro_export]
macro_rules! new_rwlock {
    ($data:expr $(, $name:literal)? $(,)?) => {
        $crate::sync::RwLock::new(
            $data, $crate::__macro::kernel::optional_name!($($name)?), $crate::__macro::kernel::static_lock_class!())
    };
}
pub use new_rwlock;

/// Data with many readers or one writer at a time, under a spinning lock; wraps `rwlock_t`.
///
/// Only [`LockExt::read_locked`](crate::sync::LockExt::read_locked) and
/// [`LockExt::write_locked`](crate::sync::LockExt::write_locked) take it, with a token. A steady
/// stream of readers starves writers. RCU does not have that problem.
///
/// # Context
///
/// As a [`SpinLock`](kernel::sync::SpinLock): all contexts except an NMI handler and, on
/// `CONFIG_PREEMPT_RT`, code with interrupts or preemption disabled. It does not disable interrupts.
/// An interrupt handler may take it only if all other code takes it with interrupts disabled.
///
/// ```
/// use kalloc::{prelude::*, sync::{new_rwlock, RwLock}};
///
/// fn limits(task: &TaskCx) -> Result<Pin<KBox<RwLock<[u32; 4]>>>> {
///     KBox::pin_init(task, new_rwlock!([1, 2, 3, 4]))
/// }
/// ```
#[pin_data]
pub struct RwLock<T: ?Sized> {
    #[pin]
    lock: Opaque<rwlock_t>,
    #[pin]
    _pin: PhantomPinned,
    data: UnsafeCell<T>,
}

// SAFETY: The lock owns the data, which is `Send`. An `rwlock_t` that is not held is not bound to a
// thread.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: The lock gives `&mut T` to one thread at a time, and `&T` to many. `T` is `Send` and
// `Sync`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    /// An initialiser, for [`new_rwlock!`]; wraps `rwlock_init()`.
    pub fn new(
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot is valid for writes, and `name` and `key` are `'static`.
            lock <- Opaque::ffi_init(|slot| unsafe {
                kalloc_helper_rwlock_init(slot, name.as_char_ptr(), key.as_ptr())
            }),
            _pin: PhantomPinned,
            data: UnsafeCell::new(data),
        })
    }
}

impl<T: ?Sized> RwLock<T> {
    #[inline(always)]
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        // SAFETY: A `RwLock` is made by `new` only, which initialises the lock.
        unsafe { kalloc_helper_read_lock(self.lock.get()) };
        // INVARIANT: `read` or `write` has just taken the lock.
        ReadGuard(self, NotThreadSafe)
    }

    #[inline(always)]
    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        // SAFETY: A `RwLock` is made by `new` only, which initialises the lock.
        unsafe { kalloc_helper_write_lock(self.lock.get()) };
        // INVARIANT: `read` or `write` has just taken the lock.
        WriteGuard(self, NotThreadSafe)
    }
}

/// A [`RwLock`] held for reading.
///
/// # Invariants
///
/// This thread holds the lock for reading.
pub struct ReadGuard<'l, T: ?Sized>(&'l RwLock<T>, NotThreadSafe);

/// A [`RwLock`] held for writing.
///
/// # Invariants
///
/// This thread holds the lock for writing.
pub struct WriteGuard<'l, T: ?Sized>(&'l RwLock<T>, NotThreadSafe);

impl<T: ?Sized> Drop for ReadGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: Invariant of `ReadGuard`: this thread holds the lock for reading.
        unsafe { kalloc_helper_read_unlock(self.0.lock.get()) }
    }
}

impl<T: ?Sized> Drop for WriteGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: Invariant of `WriteGuard`: this thread holds the lock for writing.
        unsafe { kalloc_helper_write_unlock(self.0.lock.get()) }
    }
}

impl<T: ?Sized> Deref for ReadGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `ReadGuard`: the lock is held for reading, so the data does not
        // change.
        unsafe { &*self.0.data.get() }
    }
}

impl<T: ?Sized> Deref for WriteGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `WriteGuard`: the lock is held for writing, so the data is not
        // shared.
        unsafe { &*self.0.data.get() }
    }
}

impl<T: ?Sized> DerefMut for WriteGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: Invariant of `WriteGuard`: the lock is held for writing, so the data is not
        // shared.
        unsafe { &mut *self.0.data.get() }
    }
}

impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}

impl<T: ?Sized> Data for ReadGuard<'_, T> {
    type Of<'x>
        = &'x T
    where
        Self: 'x;
    #[inline(always)]
    fn data(&mut self) -> &T {
        self
    }
}

impl<T: ?Sized> Data for WriteGuard<'_, T> {
    type Of<'x>
        = &'x mut T
    where
        Self: 'x;
    #[inline(always)]
    fn data(&mut self) -> &mut T {
        self
    }
}
