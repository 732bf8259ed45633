// SPDX-License-Identifier: GPL-2.0

//! Platform drivers: probe and unbind with the token of process context.
//!
//! C header: [`include/linux/platform_device.h`](srctree/include/linux/platform_device.h)
//!
//! The pages [A platform driver](pages/platform.html) and [Entry points](pages/entry.html) say
//! more.

#[doc(no_inline)]
pub use kernel::platform::*;

use crate::{
    contexts::tokens::TaskCx,
    entry::bus::driver::{
        registration,
        BoundScope, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin, //
};
use kernel::{
    acpi,
    device::{
        self,
        Core, //
    },
    error::Error,
    of,
    prelude::*,
    str::CStr,
    ThisModule, //
};

/// A platform driver: [`kernel::platform::Driver`] with tokens.
///
/// ```
/// use kalloc::{platform, prelude::*};
/// use kernel::device::Core;
///
/// #[pin_data]
/// struct Sensor {
///     samples: KBox<[u32]>,
/// }
///
/// impl platform::Driver for Sensor {
///     type IdInfo = ();
///     type Data<'bound> = Self;
///
///     fn probe<'bound>(
///         _dev: &'bound kernel::platform::Device<Core<'_>>,
///         _id_info: Option<&'bound ()>,
///         task: &mut TaskCx,
///     ) -> impl PinInit<Self, Error> {
///         try_pin_init!(Self {
///             samples: KBox::zeroed_slice(&task, 64)?,
///         })
///     }
/// }
/// ```
// The traits of the buses are written out and not made by a macro: each is the page that an author of
// a driver for that bus reads, and the place that the compiler names when a function is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no platform driver of kalloc",
    label = "`impl kalloc::platform::Driver for {Self}` is missing",
    note = "kalloc's trait is not `kernel::platform::Driver`: probe and unbind have a token, `task: &mut TaskCx`, as the last argument"
)]
pub trait Driver {
    /// The driver's information about each supported device.
    type IdInfo: 'static;

    /// The driver's data of a bound device. Dropped in process context, after [`Driver::unbind`].
    type Data<'bound>: Send + 'bound;

    /// The table of supported devices of the device tree.
    const OF_ID_TABLE: Option<of::IdTable<Self::IdInfo>> = None;

    /// The table of supported ACPI devices.
    const ACPI_ID_TABLE: Option<acpi::IdTable<Self::IdInfo>> = None;

    /// Binds a device, `probe` of `struct platform_driver`. The initialiser may use `task`.
    ///
    /// An error leaves the device without a driver. With `EPROBE_DEFER` the kernel tries again when
    /// another device has been bound. Fields that were initialised are dropped.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        id_info: Option<&'bound Self::IdInfo>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self::Data<'bound>, Error>;

    /// Starts the users of a device's data, such as interrupt handlers, after probe has initialised
    /// the data.
    ///
    /// DMA masks can no longer be set. The users end after [`Driver::unbind`], and before the data
    /// is dropped. An error fails the probe.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn start<'d, 'bound>(
        dev: &'bound Device<device::Bound>,
        this: Pin<&'d Self::Data<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let _ = (dev, this, binding, task);
        Ok(())
    }

    /// Runs before a device loses its driver, `remove` of `struct platform_driver`.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn unbind<'bound>(
        dev: &'bound Device<device::Bound>,
        this: Pin<&Self::Data<'bound>>,
        task: &mut TaskCx,
    ) {
        let _ = (dev, this, task);
    }
}

registration! { platform:
    const OF_ID_TABLE: Option<of::IdTable<Self::IdInfo>> = T::OF_ID_TABLE;
    const ACPI_ID_TABLE: Option<acpi::IdTable<Self::IdInfo>> = T::ACPI_ID_TABLE;
}

/// Declares a module with one platform driver, with the fields of the kernel crate's
/// `module_platform_driver!`. The type is a [`platform::Driver`](Driver) of this crate.
///
/// ```ignore
/// kalloc::module_platform_driver! {
///     type: Sensor,
///     name: "sensor",
///     authors: ["Someone"],
///     description: "A sensor",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_platform_driver {
    ($($info:tt)*) => {
        $crate::__module_driver! { platform, $($info)* }
    };
}
