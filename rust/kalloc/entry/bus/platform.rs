// SPDX-License-Identifier: GPL-2.0

//! Platform drivers: probe and unbind with the token of process context.
//!
//! C header: [`include/linux/platform_device.h`](srctree/include/linux/platform_device.h)

#[doc(no_inline)]
pub use kernel::platform::*;

use crate::{
    contexts::tokens::TaskCx,
    entry::bus::driver::{
        registration,
        Bound,
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
pub trait Driver {
    /// What the driver keeps about each device it knows.
    type IdInfo: 'static;

    /// What the driver has for each device that is bound to it. Dropped in process context, after
    /// [`Driver::unbind`].
    type Data<'bound>: Send + 'bound;

    /// The devices of the device tree that it is for.
    const OF_ID_TABLE: Option<of::IdTable<Self::IdInfo>> = None;

    /// The devices of ACPI that it is for.
    const ACPI_ID_TABLE: Option<acpi::IdTable<Self::IdInfo>> = None;

    /// Binds a device, `probe` of `struct platform_driver`. The initialiser may use `task`.
    ///
    /// Process context. An error leaves the device without a driver; with `EPROBE_DEFER` the kernel
    /// tries again when another device has been bound. What the initialiser made is dropped.
    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        id_info: Option<&'bound Self::IdInfo>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self::Data<'bound>, Error>;

    /// Starts what uses the data of a device, now that it is there: interrupt lines first of all.
    ///
    /// Process context. The masks of DMA cannot be set any more. All of it ends after
    /// [`Driver::unbind`] and before the data is dropped. An error is one of probe.
    fn start<'d, 'bound>(
        dev: &'bound Device<device::Bound>,
        this: Pin<&'d Self::Data<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let _ = (dev, this, binding, task);
        Ok(())
    }

    /// Runs before a device loses its driver, `remove` of `struct platform_driver`. Process context.
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

    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        id_info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        let data = move |slot| {
            // SAFETY: The driver core runs this in process context, and it is the only token there.
            let mut task = unsafe { TaskCx::assume() };
            // SAFETY: By the contract of an initialiser, which this is the body of.
            unsafe { pin_init::raw_try_init(slot, T::probe(dev, id_info, &mut task)) }
        };
        // SAFETY: It initialises the slot, or returns the error.
        let data = unsafe { pin_init::pin_init_from_closure::<_, Error>(data) };
        // SAFETY: As above. The token is gone when the data is there.
        unsafe {
            Bound::new(dev.as_ref(), data, |data, binding, task| T::start(dev, data, binding, task))
        }
    }

    fn unbind<'bound>(dev: &'bound Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        // SAFETY: As in `probe`.
        T::unbind(dev, this.data(), &mut unsafe { TaskCx::assume() })
    }
}

/// Declares a module that is one platform driver, as the kernel crate's `module_platform_driver!`
/// does and with the same fields. The type is a [`platform::Driver`](Driver) of this crate.
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
