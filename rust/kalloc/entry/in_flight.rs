// SPDX-License-Identifier: GPL-2.0

//! Counts the work items and threads of a module that the kernel has still to run.
//!
//! In C the driver's author cancels each of them before the module is unloaded. kalloc counts them:
//! the end of a module waits until the last has returned, so none runs in freed module text. A
//! driver should still cancel and stop what it started, in exit or when a device is unbound, unless
//! `rmmod` may wait.
//!
//! A work item or thread counts for the module that contains the function that the kernel calls.
//! kalloc looks up that function's address when the item or thread is made. The module can differ
//! from the one that declares the type: a generic type of a library is instantiated by its users.
//! Modules of the kernel crate's `module!` are counted too, and end in kalloc's module notifier.

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

/// kalloc's record of a module, which counts the work items and threads in flight.
///
/// # Invariants
///
/// The pointer is to a record, and holds a reference to it.
#[derive(Debug)]
pub(crate) struct InFlight(NonNull<kalloc_module>);

// SAFETY: Any thread may call the C functions on a record.
unsafe impl Send for InFlight {}
// SAFETY: As for `Send`.
unsafe impl Sync for InFlight {}

impl InFlight {
    /// The record of the module that contains `function`.
    ///
    /// # Context
    ///
    /// Any context.
    pub(crate) fn of(function: *const c_void) -> Self {
        // SAFETY: The helper only compares the address with those of modules.
        let record = unsafe { kalloc_helper_module_of(function) };
        // INVARIANT: `kalloc_helper_module_of()` took the reference.
        // SAFETY: The helper returns a record for every address.
        Self(unsafe { NonNull::new_unchecked(record) })
    }

    /// Counts one more, unless the module is ending.
    pub(crate) fn begin(&self) -> Option<Begun> {
        // SAFETY: Invariant of `InFlight`: the pointer is to a record with a reference.
        let begun = unsafe { kalloc_helper_in_flight_inc(self.0.as_ptr()) };
        // INVARIANT: `kalloc_helper_in_flight_inc()` has counted it.
        begun.then(|| Begun(self.0))
    }

    /// Takes back a count of [`InFlight::begin`] that was forgotten.
    ///
    /// # Safety
    ///
    /// A count was forgotten, and this function is called once for it.
    pub(crate) unsafe fn begun(&self) -> Begun {
        // INVARIANT: `# Safety`: the record has counted it.
        Begun(self.0)
    }

    /// Whether the module is ending.
    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: Invariant of `InFlight`: the pointer is to a record with a reference.
        unsafe { kalloc_helper_module_is_closed(self.0.as_ptr()) }
    }

    /// The address to sleep on. The end of the module wakes its sleepers.
    pub(crate) fn wakes(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        // SAFETY: Invariant of `InFlight`: the pointer is to a record with a reference. Types with
        // a record are not dropped in an NMI.
        unsafe { kalloc_helper_module_put(self.0.as_ptr()) }
    }
}

/// A count of one in flight. It is dropped by code that then only returns to the kernel.
///
/// # Invariants
///
/// The pointer is to a record that has counted it. The record lives until the count ends.
pub(crate) struct Begun(NonNull<kalloc_module>);

impl Begun {
    /// Leaves the count in place. [`InFlight::begun`] takes it back.
    pub(crate) fn forget(self) {
        mem::forget(self);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // SAFETY: Invariant of `Begun`: the record has counted it, once. The record is not used
        // again.
        unsafe { kalloc_helper_in_flight_dec(self.0.as_ptr()) }
    }
}

/// A module: the `__this_module` of the `.ko` that [`here`] is linked into.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Here(*mut bindings::module);

/// The module that the function is inlined into.
#[doc(hidden)]
#[inline(always)]
pub fn here() -> Here {
    Here(&raw mut bindings::__this_module)
}

impl Here {
    pub(crate) fn as_ptr(self) -> *mut bindings::module {
        self.0
    }

    /// Enters the module in kalloc's records. For the module's init, which the kernel runs before
    /// any other code of the module. It succeeds only in the task that loads the module, and where
    /// that task may sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the module was entered before, or this is not its init.
    pub(crate) fn enter(self) -> Result {
        // SAFETY: The helper only compares the pointer with those of modules.
        to_result(unsafe { kalloc_helper_module_enter(self.0) })
    }
}

/// Waits in its drop for the work items and threads in flight.
#[doc(hidden)]
#[derive(Debug)]
pub struct WaitInFlight(Here);

// SAFETY: The value is only an address.
unsafe impl Send for WaitInFlight {}
// SAFETY: As for `Send`.
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
        // SAFETY: `# Safety` of `new`: this is process context, which may sleep. The module
        // contains this value, so it is loaded.
        unsafe { kalloc_helper_module_close(self.0.as_ptr()) }
    }
}
