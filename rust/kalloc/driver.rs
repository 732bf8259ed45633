// SPDX-License-Identifier: GPL-2.0

//! Drivers of every bus: what [`platform`](crate::platform), [`pci`](crate::pci) and the others
//! share.
//!
//! C header: [`include/linux/device/driver.h`](srctree/include/linux/device/driver.h)
//!
//! Each bus has a trait `Driver` that is the kernel crate's with a token at the end of each
//! signature, and a `Registration` that hands the driver to the kernel. The driver core calls
//! probe, unbind and shutdown in process context, on every kernel, with the device's mutex held.
//!
//! A driver registers through [`module_platform_driver!`](crate::module_platform_driver!) and its
//! like, or, if its module has more to do, through the `drivers` of
//! [`module!`](crate::module!).

use crate::context::private::Sealed;
use kernel::{
    error::Error,
    prelude::{pin_data, try_pin_init, PinInit},
    str::CStr,
    ThisModule,
};

/// What [`module!`](crate::module!) can register.
#[doc(hidden)]
pub trait Register: Sealed + Sized {
    /// Registers the driver under that name, which is what it is called in sysfs.
    ///
    /// Dropped, it is unregistered, which unbinds every device of it and waits for that.
    ///
    /// # Safety
    ///
    /// The initialiser runs in process context, and its result is dropped there.
    unsafe fn register(
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> impl PinInit<Self, Error>;
}

/// Two registrations, made in this order and ended in the other.
#[doc(hidden)]
#[pin_data]
#[derive(Debug)]
pub struct Both<A, B> {
    // Fields are dropped in the order of their declaration.
    #[pin]
    second: B,
    #[pin]
    first: A,
}

impl<A, B> Both<A, B> {
    /// Both of them.
    pub fn new(
        first: impl PinInit<A, Error>,
        second: impl PinInit<B, Error>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            first <- first,
            second <- second,
        })
    }
}

/// Makes `Registration` for the `Driver` of a bus.
///
/// What the kernel calls is in a type that only this crate can name: with it a driver could call
/// its own probe where it must not sleep, and be given a [`Task`](crate::context::Task).
macro_rules! registration {
    ($bus:ident: $($callbacks:tt)*) => {
        /// A driver that the kernel knows, for [`module!`](crate::module!). Unregistered when it is
        /// dropped.
        #[pin_data]
        pub struct Registration<T: Driver + 'static> {
            #[pin]
            inner: kernel::driver::Registration<kernel::$bus::Adapter<Adapter<T>>>,
        }

        impl<T: Driver> crate::context::private::Sealed for Registration<T> {}
        impl<T: Driver> crate::driver::Register for Registration<T> {
            unsafe fn register(
                name: &'static CStr,
                module: &'static ThisModule,
            ) -> impl PinInit<Self, Error> {
                try_pin_init!(Self {
                    inner <- kernel::driver::Registration::new(name, module),
                })
            }
        }

        impl<T: Driver> fmt::Debug for Registration<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("Registration")
            }
        }

        struct Adapter<T>(PhantomData<T>);

        impl<T: Driver> kernel::$bus::Driver for Adapter<T> {
            type IdInfo = T::IdInfo;
            type Data<'bound> = T::Data<'bound>;

            $($callbacks)*
        }
    };
}
pub(crate) use registration;

/// What `module_platform_driver!` and its like expand to.
#[doc(hidden)]
#[macro_export]
macro_rules! __module_driver {
    ($bus:ident, type: $driver:ty, $($info:tt)*) => {
        struct DriverModule;

        impl $crate::Module for DriverModule {
            fn init(
                _module: &'static ::kernel::ThisModule,
                _task: $crate::context::Task,
            ) -> ::kernel::error::Result<Self> {
                Ok(DriverModule)
            }
        }

        $crate::module! {
            type: DriverModule,
            drivers: { $bus: $driver },
            $($info)*
        }
    };
}
