// SPDX-License-Identifier: GPL-2.0

//! PCI drivers: probe and unbind with the token of process context.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

#[doc(no_inline)]
pub use kernel::pci::*;

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

/// A vendor by number, for those that the kernel crate has no name for, such as those of virtual
/// machines.
///
/// ```
/// # use kalloc::prelude::*;
/// use kernel::pci::DeviceId;
///
/// const EDU: DeviceId = DeviceId::from_id(kalloc::pci::vendor(0x1234), 0x11e8);
/// ```
pub const fn vendor(id: u16) -> Vendor {
    // SAFETY: `Vendor` is a transparent `u16`, and every number may be on a card.
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
pub trait Driver {
    /// What the driver keeps about each device it knows.
    type IdInfo: 'static;

    /// What the driver has for each device that is bound to it. Dropped in process context, after
    /// [`Driver::unbind`].
    type Data<'bound>: Send + 'bound;

    /// The devices that it is for.
    const ID_TABLE: IdTable<Self::IdInfo>;

    /// Binds a device, `probe` of `struct pci_driver`. The initialiser may use `task`.
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

    /// Runs before a device loses its driver, `remove` of `struct pci_driver`. Process context.
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

/// Declares a module that is one PCI driver, as the kernel crate's `module_pci_driver!` does and
/// with the same fields. The type is a [`pci::Driver`](Driver) of this crate.
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
