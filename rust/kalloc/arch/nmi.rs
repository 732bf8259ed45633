// SPDX-License-Identifier: GPL-2.0

//! The NMIs that drivers can handle: none, where the kernel has no `register_nmi_handler()`.

use kernel::{
    error::code::ENOTSUPP,
    ffi::c_int, //
};

/// Has NMIs that drivers can handle, which nothing has.
#[diagnostic::on_unimplemented(
    message = "drivers can handle NMIs only on x86",
    label = "the kernel that this is built for has no `register_nmi_handler()`",
    note = "a `kalloc::irq_work::IrqWork<_, Hard>` runs in a hard interrupt on every architecture"
)]
pub trait HasNmis {}

/// There is none.
#[repr(C)]
pub(crate) struct Nmi(());

/// Only for what has NMIs.
pub(crate) unsafe fn register(
    _nmi: *mut Nmi,
    _handle: Option<unsafe extern "C" fn(*mut Nmi) -> bool>,
    _unknown: bool,
) -> c_int {
    ENOTSUPP.to_errno()
}

/// Only for what [`register`] has registered.
pub(crate) unsafe fn unregister(_nmi: *mut Nmi) {}
