// SPDX-License-Identifier: GPL-2.0

//! Code of a module that the kernel has still to run: its work items and its threads.
//!
//! C leaves it to the driver's author to cancel each before the module goes. kalloc counts them: the
//! end of a module waits until the last has returned, so none runs in memory that is no longer
//! there. A driver cancels and stops what it started nevertheless, in exit or when a device is
//! unbound, unless it wants `rmmod` to wait.
//!
//! A work item or thread counts for the module that holds the instance of the function which the
//! kernel calls, found by that function's address when the item or thread is made. It may be another
//! module than the one that declares the type: a generic type of a library is instantiated by its
//! users. Modules that the kernel crate's `module!` makes are counted too, and end in kalloc's module
//! notifier.

use core::{
    ffi::c_void,
    mem,
    ptr::NonNull, //
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    error::{
        to_result,
        Result, //
    },
};

/// kalloc's record of a module, which counts what the module has in flight.
///
/// # Invariants
///
/// It points to a record, of which this has a reference.
#[derive(Debug)]
pub(crate) struct InFlight(NonNull<kalloc_module>);

// SAFETY: The C code's functions are for every thread.
unsafe impl Send for InFlight {}
// SAFETY: As above.
unsafe impl Sync for InFlight {}

impl InFlight {
    /// That of the module in which `function` is. Legal in every context.
    pub(crate) fn of(function: *const c_void) -> Self {
        // SAFETY: It compares the address with those of modules.
        let record = unsafe { kalloc_helper_module_of(function) };
        // INVARIANT: The reference was taken by the call.
        // SAFETY: The C code has a record for each address.
        Self(unsafe { NonNull::new_unchecked(record) })
    }

    /// Counts one more, unless the module ends.
    pub(crate) fn begin(&self) -> Option<Begun> {
        // SAFETY: By the invariant.
        let begun = unsafe { kalloc_helper_module_begin(self.0.as_ptr()) };
        // INVARIANT: It was counted.
        begun.then(|| Begun(self.0))
    }

    /// One that was counted by [`InFlight::begin`] and forgotten.
    ///
    /// # Safety
    ///
    /// There is one, and this is called once for it.
    pub(crate) unsafe fn begun(&self) -> Begun {
        // INVARIANT: By the contract of this function.
        Begun(self.0)
    }

    /// Whether the module ends.
    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: By the invariant.
        unsafe { kalloc_helper_module_is_closed(self.0.as_ptr()) }
    }

    /// What sleeps on this is woken when the module ends.
    pub(crate) fn wakes(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        // SAFETY: By the invariant. What has a record is not dropped in an NMI.
        unsafe { kalloc_helper_module_put(self.0.as_ptr()) }
    }
}

/// One that is in flight, until it is dropped: by code that then only returns to the kernel.
///
/// # Invariants
///
/// It points to a record that has counted it, which stays until this ends.
pub(crate) struct Begun(NonNull<kalloc_module>);

impl Begun {
    /// Leaves it counted: [`InFlight::begun`] gives it back.
    pub(crate) fn forget(self) {
        mem::forget(self);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // SAFETY: By the invariant. It is counted once, and the record is not used again.
        unsafe { kalloc_helper_module_end(self.0.as_ptr()) }
    }
}

/// A module, by what the linker knows: `__this_module` of the `.ko` that calls [`here`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Here(*mut bindings::module);

/// The module that this is inlined into.
#[doc(hidden)]
#[inline(always)]
pub fn here() -> Here {
    Here(&raw mut bindings::__this_module)
}

impl Here {
    pub(crate) fn as_ptr(self) -> *mut bindings::module {
        self.0
    }

    /// For the module's init, which the kernel runs before any other code of it.
    ///
    /// # Errors
    ///
    /// `EBUSY` the second time.
    pub fn enter(self) -> Result {
        // SAFETY: It compares the pointer with those of modules.
        to_result(unsafe { kalloc_helper_module_enter(self.0) })
    }
}

/// Waits, when it is dropped, for what is in flight.
#[doc(hidden)]
#[derive(Debug)]
pub struct WaitInFlight(Here);

// SAFETY: It is an address.
unsafe impl Send for WaitInFlight {}
// SAFETY: As above.
unsafe impl Sync for WaitInFlight {}

impl WaitInFlight {
    /// # Safety
    ///
    /// The result is dropped in process context.
    pub unsafe fn new(module: Here) -> Self {
        Self(module)
    }
}

impl Drop for WaitInFlight {
    fn drop(&mut self) {
        // SAFETY: It sleeps, which may be done here by the contract of `new`. The module is there: it
        // holds this.
        unsafe { kalloc_helper_module_close(self.0.as_ptr()) }
    }
}
