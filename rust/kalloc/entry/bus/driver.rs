// SPDX-License-Identifier: GPL-2.0

//! The common part of the drivers of all buses, such as [`platform`](crate::platform) and
//! [`pci`](crate::pci).
//!
//! C header: [`include/linux/device/driver.h`](srctree/include/linux/device/driver.h)
//!
//! Each bus has a trait `Driver`, which is the kernel crate's with a token as the last argument of
//! each function, and a `Registration`, which registers the driver. The driver core calls probe and
//! unbind in process context, with the device's mutex held.
//!
//! A driver is registered by [`module_platform_driver!`](crate::module_platform_driver!) and
//! similar macros, or, if its module does more, by the `drivers` of [`module!`](crate::module!).

#[doc(no_inline)]
pub use kernel::driver::*;

#[doc(hidden)]
pub use super::register::{
    Drivers,
    Register, //
};
pub(crate) use super::{
    bound_scope::Bound,
    register::{
        registration,
        sealed, //
    },
};
pub use super::{
    bound_scope::BoundScope,
    loan::Loan, //
};
