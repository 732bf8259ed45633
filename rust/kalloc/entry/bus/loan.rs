// SPDX-License-Identifier: GPL-2.0

//! [`Loan`]: a driver's data of a device, lent to code that may outlive the data.

use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::traits::MaySleep,
    memory::interop::ArcExt, //
};
use core::{
    cell::UnsafeCell,
    fmt,
    ptr::NonNull, //
};
use kalloc_bindings::kalloc_helper_mutex_lock_killable;
use kernel::{
    bindings,
    error::{
        code::ENODEV,
        to_result,
        Result, //
    },
    prelude::{
        pin_data,
        pin_init,
        PinInit, //
    },
    static_lock_class,
    str::CStrExt as _,
    sync::Arc,
    types::{
        ForLt,
        Opaque, //
    },
};

/// A driver's data of a device, usable while the device is bound. Made by
/// [`BoundScope::lend`](crate::driver::BoundScope::lend).
pub struct Loan<F: ForLt + 'static>(DropOrLeak<Arc<Place<F>>>);

/// The data of a loan, under a mutex. The kernel crate's `Mutex` has no killable lock operation.
///
/// # Invariants
///
/// `lock` is an initialised mutex that protects `data`. While `data` is `Some`, its pointer is to
/// valid, shared data of the type `F::Of`.
#[pin_data]
struct Place<F: ForLt + 'static> {
    #[pin]
    lock: Opaque<bindings::mutex>,
    data: UnsafeCell<Option<Data<F>>>,
}

// SAFETY: A mutex that is not held is not bound to a thread, and `Data` is `Send`.
unsafe impl<F: ForLt> Send for Place<F> {}
// SAFETY: `data` is accessed only with the lock held.
unsafe impl<F: ForLt> Sync for Place<F> {}

impl<F: ForLt> Place<F> {
    fn new(data: Data<F>) -> impl PinInit<Self> {
        let (name, class) = (c"kalloc::driver::Loan", static_lock_class!());
        pin_init!(Self {
            // SAFETY: `lock` is valid and pinned, and `name` and `class` are static.
            lock <- Opaque::ffi_init(|lock| unsafe {
                bindings::__mutex_init(lock, name.as_char_ptr(), class.as_ptr())
            }),
            data: UnsafeCell::new(Some(data)),
        })
    }

    /// Wraps `mutex_lock()`.
    fn lock(&self) -> Locked<'_, F> {
        // SAFETY: Invariant of `Place`: the mutex is initialised. A `Revoke` is dropped in process
        // context, which may sleep.
        unsafe { bindings::mutex_lock(self.lock.get()) };
        // INVARIANT: The lock has just been taken.
        Locked(self)
    }

    /// Wraps `mutex_lock_killable()`. Returns `EINTR` if the thread was killed while it waited.
    fn lock_killable<C: MaySleep>(&self, _cx: &C) -> Result<Locked<'_, F>> {
        // SAFETY: Invariant of `Place`: the mutex is initialised. The caller may sleep.
        to_result(unsafe { kalloc_helper_mutex_lock_killable(self.lock.get()) })?;
        // INVARIANT: The lock has just been taken.
        Ok(Locked(self))
    }
}

/// # Invariants
///
/// This thread holds the lock of the place until the value is dropped.
struct Locked<'a, F: ForLt + 'static>(&'a Place<F>);

impl<F: ForLt> Locked<'_, F> {
    fn data(&mut self) -> &mut Option<Data<F>> {
        // SAFETY: Invariant of `Locked`: this thread holds the lock. `self` is borrowed
        // exclusively.
        unsafe { &mut *self.0.data.get() }
    }
}

impl<F: ForLt> Drop for Locked<'_, F> {
    fn drop(&mut self) {
        // SAFETY: Invariant of `Locked`: this thread holds the lock.
        unsafe { bindings::mutex_unlock(self.0.lock.get()) }
    }
}

struct Data<F: ForLt + 'static>(NonNull<F::Of<'static>>);

// SAFETY: `# Safety` of `Loan::new`: the data is shared, and `Sync`.
unsafe impl<F: ForLt> Send for Data<F> {}

impl<F: ForLt> Clone for Loan<F> {
    fn clone(&self) -> Self {
        Self(DropOrLeak::new(Arc::clone(&self.0)))
    }
}

impl<F: ForLt> fmt::Debug for Loan<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loan")
    }
}

impl<F: ForLt> Loan<F> {
    /// A loan of `data`, and what ends it.
    ///
    /// # Safety
    ///
    /// `data` is valid, shared and `Sync` until the second value is dropped, in process context.
    pub(super) unsafe fn new<C: MaySleep>(
        cx: &C,
        data: NonNull<F::Of<'static>>,
    ) -> Result<(Self, Revoke<F>)> {
        let place = Arc::pin_init_with(cx, Place::new(Data(data)))?;
        Ok((Loan(DropOrLeak::new(place.clone())), Revoke(place)))
    }

    /// Runs `f` with the data, which is not dropped meanwhile; wraps `mutex_lock_killable()`. The
    /// mutex admits one user at a time. A nested call in `f` deadlocks.
    ///
    /// # Context
    ///
    /// Process context. Sleeps.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the device is no longer bound, `EINTR` if the thread was killed while it waited
    /// for other users.
    pub fn with<C: MaySleep, R>(
        &self,
        cx: &mut C,
        f: impl for<'a, 'b> FnOnce(&'a F::Of<'b>, &mut C) -> R,
    ) -> Result<R> {
        let mut place = self.0.lock_killable(cx)?;
        let data = place.data().as_ref().ok_or(ENODEV)?;
        // SAFETY: Invariant of `Place`: the pointer is to valid data until the lock is released.
        // `f` is generic over both lifetimes, so the reference does not escape from it.
        Ok(f(unsafe { data.0.as_ref() }, cx))
    }
}

/// Ends a loan.
pub(super) struct Revoke<F: ForLt + 'static>(Arc<Place<F>>);

impl<F: ForLt> Drop for Revoke<F> {
    fn drop(&mut self) {
        *self.0.lock().data() = None;
    }
}
