// SPDX-License-Identifier: GPL-2.0

//! PCI drivers: probe and unbind with the token of process context.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)
//!
//! The page [Entry points](pages/entry.html) says more.

#[doc(no_inline)]
pub use kernel::pci::*;

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
    mem,
    pin::Pin, //
};
use kernel::{
    device::{
        self,
        Core, //
    },
    error::Error,
    prelude::*,
    str::CStr,
    ThisModule, //
};

/// A vendor by number, for vendors that the kernel crate does not name, such as those of virtual
/// machines.
///
/// ```
/// # use kalloc::prelude::*;
/// use kernel::pci::DeviceId;
///
/// const EDU: DeviceId = DeviceId::from_id(kalloc::pci::vendor(0x1234), 0x11e8);
/// ```
pub const fn vendor(id: u16) -> Vendor {
    // SAFETY: `Vendor` is a transparent `u16`, and every number is a valid vendor.
    unsafe { mem::transmute::<u16, Vendor>(id) }
}

/// A PCI driver: [`kernel::pci::Driver`] with tokens.
///
/// ```
/// use kalloc::{pci, prelude::*};
/// use kernel::device::Core;
///
/// #[pin_data]
/// struct Card {
///     name: KBox<[u8; 16]>,
/// }
///
/// kernel::pci_device_table!(
///     TABLE,
///     <Card as pci::Driver>::IdInfo,
///     [(kernel::pci::DeviceId::from_id(kernel::pci::Vendor::REDHAT, 0x5), 7)]
/// );
///
/// impl pci::Driver for Card {
///     type IdInfo = u32;
///     type Data<'bound> = Self;
///     const ID_TABLE: kernel::pci::IdTable<u32> = &TABLE;
///
///     fn probe<'bound>(
///         dev: &'bound kernel::pci::Device<Core<'_>>,
///         _id_info: Option<&'bound u32>,
///         task: &mut TaskCx,
///     ) -> impl PinInit<Self, Error> {
///         try_pin_init!(Self {
///             _: { dev.enable_device_mem()? },
///             name: KBox::zeroed(&task)?,
///         })
///     }
/// }
/// ```
// The traits of the buses are written out and not made by a macro: each is the page that an author of
// a driver for that bus reads, and the place that the compiler names when a function is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no PCI driver of kalloc",
    label = "`impl kalloc::pci::Driver for {Self}` is missing",
    note = "kalloc's trait is not `kernel::pci::Driver`: probe and unbind have a token, `task: &mut TaskCx`, as the last argument"
)]
pub trait Driver {
    /// The driver's information about each supported device.
    type IdInfo: 'static;

    /// The driver's data of a bound device. Dropped in process context, after [`Driver::unbind`].
    type Data<'bound>: Send + 'bound;

    /// The table of supported devices.
    const ID_TABLE: IdTable<Self::IdInfo>;

    /// Binds a device, `probe` of `struct pci_driver`. The initialiser may use `task`.
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

    /// Runs before a device loses its driver, `remove` of `struct pci_driver`.
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

registration! { pci:
    const ID_TABLE: IdTable<Self::IdInfo> = T::ID_TABLE;
}

/// Declares a module with one PCI driver, with the fields of the kernel crate's
/// `module_pci_driver!`. The type is a [`pci::Driver`](Driver) of this crate.
///
/// ```ignore
/// kalloc::module_pci_driver! {
///     type: Card,
///     name: "card",
///     authors: ["Someone"],
///     description: "A card",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_pci_driver {
    ($($info:tt)*) => {
        $crate::__module_driver! { pci, $($info)* }
    };
}
