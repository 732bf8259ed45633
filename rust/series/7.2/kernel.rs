// SPDX-License-Identifier: GPL-2.0

//! What kalloc uses of the kernel crate of Linux 7.2, under the names of the newest series.

use kernel::{
    bindings,
    prelude::PinInit, //
};

pub(crate) use kernel::bindings::callback_head as kvfree_rcu_head;

/// The kernel crate's module, with what newer series have in it.
pub(crate) mod dma {
    pub use super::io::{
        io_project,
        io_read,
        io_write,
        Io, //
    };
    #[doc(hidden)]
    pub use super::io::{
        IoBase,
        Projecting, //
    };
    pub use kernel::dma::*;
    #[doc(hidden)]
    pub use kernel::ptr::project;
}

/// The kernel crate's module, with what newer series have in it.
pub(crate) mod sync {
    pub use super::spinlock::{
        new_spinlock_irq,
        SpinLockIrq, //
    };
    pub use kernel::sync::*;
}

pub(crate) mod io;
mod irq_request;
#[cfg(CONFIG_PCI)]
mod irq_vectors;
mod spinlock;

pub(crate) use irq_request::*;
#[cfg(CONFIG_PCI)]
pub(crate) use irq_vectors::*;
pub(crate) use spinlock::{SpinLockIrq, SpinLockIrqBackend};

/// # Safety
///
/// As `pin_init::raw_try_init()` of 7.3.
#[inline(always)]
pub(crate) unsafe fn raw_try_init<T, E>(slot: *mut T, init: impl PinInit<T, E>) -> Result<(), E> {
    // SAFETY: As for the caller.
    unsafe { init.__pinned_init(slot) }
}

/// # Safety
///
/// As `pin_init::raw_init()` of 7.3.
#[inline(always)]
pub(crate) unsafe fn raw_init<T>(slot: *mut T, init: impl PinInit<T>) {
    // SAFETY: As for the caller.
    let result: Result<(), core::convert::Infallible> = unsafe { init.__pinned_init(slot) };
    match result {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

#[inline(always)]
pub(crate) fn synchronize_rcu() {
    // SAFETY: The function that wraps this one takes the token of a context that may sleep.
    unsafe { bindings::synchronize_rcu() }
}

#[inline(always)]
pub(crate) fn rcu_barrier() {
    // SAFETY: The function that wraps this one takes the token of a context that may sleep.
    unsafe { bindings::rcu_barrier() }
}

/// What the kernel crate's `probe` gets of the entry in the table of devices.
pub(crate) mod pci {
    pub(crate) type IdInfo<'a, T> = &'a T;

    #[inline(always)]
    pub(crate) fn id_info<T>(info: IdInfo<'_, T>) -> Option<&T> {
        Some(info)
    }
}
pub(crate) mod platform {
    pub(crate) type IdInfo<'a, T> = Option<&'a T>;

    #[inline(always)]
    pub(crate) fn id_info<T>(info: IdInfo<'_, T>) -> Option<&T> {
        info
    }
}

/// The constants of a `kernel::ModuleMetadata` that are those of another type.
#[doc(hidden)]
#[macro_export]
macro_rules! __module_metadata {
    ($of:ty) => {
        const NAME: &'static $crate::__macro::core::ffi::CStr =
            <$of as $crate::__macro::kernel::ModuleMetadata>::NAME;
    };
}

/// Implements the types of `kernel::miscdevice::MiscDevice` for the driver's `$device`.
macro_rules! misc_device_types {
    ($device:ident) => {
        type Ptr = $device::Ptr;
    };
}
pub(crate) use misc_device_types;
