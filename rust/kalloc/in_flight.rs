// SPDX-License-Identifier: GPL-2.0

//! Code of a module that the kernel has still to run: its work items and its threads.
//!
//! C leaves it to the driver's author to cancel each before the module goes. Here [`module!`]
//! counts them: the end of a module waits until the last has returned, so none runs in memory that
//! is no longer there. A driver cancels and stops what it started nevertheless, in exit or when a
//! device is unbound, unless it wants `rmmod` to wait.
//!
//! [`module!`]: crate::module!

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use kernel::{
    error::{code::EBUSY, Result},
    ffi::c_void,
    time::{delay::fsleep, Delta},
};

/// What a module has in flight, in a static that [`module!`](crate::module!) declares.
#[doc(hidden)]
#[derive(Debug)]
pub struct InFlight {
    count: AtomicUsize,
    used: AtomicBool,
    begun: AtomicBool,
}

/// Set in the count when no more may begin.
const CLOSED: usize = 1 << (usize::BITS - 1);

impl InFlight {
    /// Nothing.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            count: AtomicUsize::new(0),
            used: AtomicBool::new(false),
            begun: AtomicBool::new(false),
        }
    }

    /// For the module's init, which the kernel runs before any other code of it.
    ///
    /// # Errors
    ///
    /// `EBUSY` the second time.
    pub fn once(&self) -> Result {
        if self.begun.swap(true, Ordering::Relaxed) {
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Counts one more, unless the module ends.
    pub(crate) fn begin(&self) -> bool {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        let begun = self
            .count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                (count & CLOSED == 0).then_some(count + 1)
            });
        begun.is_ok()
    }

    /// Whether the module ends.
    pub(crate) fn is_closed(&self) -> bool {
        self.count.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// What sleeps on this is woken when the module ends.
    pub(crate) fn wakes(&self) -> *mut c_void {
        self.count.as_ptr().cast()
    }

    /// Counts one less. What it did is done, but for returning to the kernel.
    pub(crate) fn end(&self) {
        self.count.fetch_sub(1, Ordering::Release);
    }
}

/// Waits, when it is dropped, for what is in flight.
#[doc(hidden)]
#[derive(Debug)]
pub struct Landing(&'static InFlight);

impl Landing {
    /// # Safety
    ///
    /// The result is dropped in process context.
    pub unsafe fn new(in_flight: &'static InFlight) -> Self {
        Self(in_flight)
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.count.fetch_or(CLOSED, Ordering::Relaxed);
        // SAFETY: It looks at the address alone.
        unsafe { kalloc_bindings::kalloc_helper_wake_up_var(self.0.wakes()) };
        while self.0.count.load(Ordering::Acquire) != CLOSED {
            fsleep(Delta::from_millis(1));
        }
        if self.0.used.load(Ordering::Relaxed) {
            // The last of them may still be on its way back to the kernel.
            // SAFETY: It sleeps, which may be done here by the contract of `new`.
            unsafe { kalloc_bindings::kalloc_helper_synchronize_rcu_tasks() }
        }
    }
}

/// The module of a crate: `crate::LocalModule`, which [`module!`](crate::module!) declares.
///
/// # Safety
///
/// [`LocalModule::in_flight`] is that of the module whose crate this is implemented in, which has a
/// [`Landing`] of it that is dropped after everything else in the module that could begin more.
#[doc(hidden)]
pub unsafe trait LocalModule {
    /// What the module has in flight.
    fn in_flight() -> &'static InFlight;
}
