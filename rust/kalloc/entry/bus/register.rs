// SPDX-License-Identifier: GPL-2.0

//! Registers the drivers of a module, in order, for [`module!`](crate::module!).

use crate::ground::sealed::Sealed;
use kernel::{
    error::Error,
    prelude::{
        pin_data,
        try_pin_init,
        PinInit, //
    },
    str::CStr,
    ThisModule, //
};

/// A driver that [`module!`](crate::module!) can register.
pub trait Register: Sealed + Sized {
    /// Registers the driver under `name`, its name in sysfs.
    ///
    /// Dropping the result unregisters the driver, which unbinds all its devices and waits for
    /// that.
    ///
    /// # Safety
    ///
    /// The initialiser runs in process context, and its result is dropped there.
    unsafe fn register(
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> impl PinInit<Self, Error>;
}

/// The drivers of a module: `(First, (Second, ()))`, each a `Registration` of a bus.
pub trait Drivers: sealed::Drivers {}

pub(crate) mod sealed {
    use super::*;

    /// Drivers cannot implement this trait.
    pub trait Drivers {
        /// The drivers are registered until the value is dropped. The last one is unregistered
        /// first.
        type Registered: Send + Sync;

        /// Registers the drivers, in this order, each under its name or that of the module.
        ///
        /// # Safety
        ///
        /// The initialiser runs in process context, and its result is dropped there.
        unsafe fn register(
            names: &'static [Option<&'static CStr>],
            own: &'static CStr,
            module: &'static ThisModule,
        ) -> impl PinInit<Self::Registered, Error>;
    }
}

impl<D: sealed::Drivers> Drivers for D {}

impl sealed::Drivers for () {
    type Registered = ();
    unsafe fn register(
        _names: &'static [Option<&'static CStr>],
        _own: &'static CStr,
        _module: &'static ThisModule,
    ) -> impl PinInit<(), Error> {
        Ok::<(), Error>(())
    }
}

impl<First: Register + Send + Sync, Rest: Drivers> sealed::Drivers for (First, Rest) {
    type Registered = Both<First, Rest::Registered>;
    unsafe fn register(
        names: &'static [Option<&'static CStr>],
        own: &'static CStr,
        module: &'static ThisModule,
    ) -> impl PinInit<Self::Registered, Error> {
        let (name, rest) = match names.split_first() {
            Some((name, rest)) => (*name, rest),
            None => (None, names),
        };
        try_pin_init!(Both {
            // SAFETY: `# Safety`: this is process context, and the result is dropped there.
            first <- unsafe { First::register(name.unwrap_or(own), module) },
            // SAFETY: `# Safety`: this is process context, and the result is dropped there.
            second <- unsafe { Rest::register(rest, own, module) },
        })
    }
}

/// Two registrations. `first` is registered first and unregistered last.
#[pin_data]
#[derive(Debug)]
pub struct Both<A, B> {
    // Fields are dropped in the order of their declaration.
    #[pin]
    second: B,
    #[pin]
    first: A,
}

/// Defines `Registration` for the `Driver` of a bus, whose tables of supported devices are given.
///
/// The functions that the kernel calls are in a type that only this crate can name. A driver that
/// could name it could call its own probe in atomic context, and would get a
/// [`TaskCx`](crate::context::TaskCx).
macro_rules! registration {
    ($bus:ident: $($tables:tt)*) => {
        /// A registered driver, for [`module!`](crate::module!). Dropping it unregisters the
        /// driver.
        #[pin_data]
        pub struct Registration<T: Driver + 'static> {
            #[pin]
            inner: kernel::driver::Registration<kernel::$bus::Adapter<KernelDriver<T>>>,
        }

        impl<T: Driver> $crate::ground::sealed::Sealed for Registration<T> {}
        impl<T: Driver> $crate::entry::bus::driver::Register for Registration<T> {
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

        struct KernelDriver<T>(PhantomData<T>);

        impl<T: Driver> kernel::$bus::Driver for KernelDriver<T> {
            type IdInfo = T::IdInfo;
            type Data<'bound> = $crate::entry::bus::driver::Bound<T::Data<'bound>>;

            $($tables)*

            fn probe<'bound>(
                dev: &'bound kernel::$bus::Device<kernel::device::Core<'_>>,
                id_info: $crate::series::$bus::IdInfo<'bound, Self::IdInfo>,
            ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
                let id_info = $crate::series::$bus::id_info(id_info);
                let data = move |slot| {
                    // SAFETY: The driver core calls probe in process context, and this is the only
                    // token there.
                    let mut task = unsafe { TaskCx::assume() };
                    // SAFETY: This closure is the body of an initialiser, so `slot` is valid, and
                    // is pinned if it is initialised.
                    unsafe { $crate::series::raw_try_init(slot, T::probe(dev, id_info, &mut task)) }
                };
                // SAFETY: `data` initialises the slot, or returns the error.
                let data = unsafe { pin_init::pin_init_from_closure::<_, Error>(data) };
                // SAFETY: The driver core calls probe, and drops the data, in process context. The
                // token of `data` has ended when the data is initialised.
                unsafe {
                    $crate::entry::bus::driver::Bound::new(
                        dev.as_ref(),
                        data,
                        |data, binding, task| T::start(dev, data, binding, task),
                    )
                }
            }

            fn unbind<'bound>(
                dev: &'bound kernel::$bus::Device<kernel::device::Core<'_>>,
                this: Pin<&Self::Data<'bound>>,
            ) {
                // SAFETY: The driver core calls unbind in process context, and this is the only
                // token there.
                T::unbind(dev, this.data(), &mut unsafe { TaskCx::assume() })
            }
        }
    };
}
pub(crate) use registration;

/// The expansion of `module_platform_driver!` and similar macros.
#[doc(hidden)]
#[macro_export]
macro_rules! __module_driver {
    ($bus:ident, type: $driver:ty, $($info:tt)*) => {
        struct DriverModule;

        impl $crate::Module for DriverModule {
            fn init(
                _module: &'static $crate::__macro::kernel::ThisModule,
                _task: &mut $crate::__macro::TaskCx,
            ) -> $crate::__macro::core::result::Result<
                Self,
                $crate::__macro::kernel::error::Error,
            > {
                $crate::__macro::core::result::Result::Ok(DriverModule)
            }
        }

        $crate::module! {
            type: DriverModule,
            drivers: { $bus: $driver },
            $($info)*
        }
    };
}
