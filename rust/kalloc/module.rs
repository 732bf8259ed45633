// SPDX-License-Identifier: GPL-2.0

//! Modules whose init and exit get a [`Task`].

use crate::context::Task;
use core::pin::Pin;
use kernel::{
    error::{Error, Result},
    prelude::PinInit,
    ThisModule,
};

/// A kernel module, for [`crate::module!`].
///
/// ```
/// use kalloc::prelude::*;
///
/// struct Hello(KBox<u32>);
///
/// impl kalloc::Module for Hello {
///     fn init(_module: &'static ThisModule, task: Task) -> Result<Self> {
///         Ok(Self(KBox::new(&task, 7)?))
///     }
///
///     fn exit(self: Pin<&mut Self>, _task: &mut Task) {
///         pr_info!("the number was {}\n", *self.0);
///     }
/// }
/// ```
pub trait Module: Sized + Send + Sync {
    /// Runs when the module is loaded.
    fn init(module: &'static ThisModule, task: Task) -> Result<Self>;

    /// Runs when the module is unloaded, before it is dropped.
    fn exit(self: Pin<&mut Self>, _task: &mut Task) {}
}

/// A kernel module that is initialised in place and pinned, for [`crate::module!`].
pub trait InPlaceModule: Sized + Send + Sync {
    /// Runs when the module is loaded. The initialiser may take `task` along.
    fn init(module: &'static ThisModule, task: Task) -> impl PinInit<Self, Error>;

    /// Runs when the module is unloaded, before it is dropped.
    fn exit(self: Pin<&mut Self>, _task: &mut Task) {}
}

impl<M: Module> InPlaceModule for M {
    fn init(module: &'static ThisModule, task: Task) -> impl PinInit<Self, Error> {
        <M as Module>::init(module, task)
    }

    fn exit(self: Pin<&mut Self>, task: &mut Task) {
        <M as Module>::exit(self, task)
    }
}

/// Declares a kernel module, as the kernel crate's `module!` does and with the same fields, whose
/// type is a [`Module`] or an [`InPlaceModule`] of this crate.
///
/// ```ignore
/// kalloc::module! {
///     type: Hello,
///     name: "hello",
///     authors: ["Someone"],
///     description: "Allocates a number",
///     license: "GPL",
/// }
/// ```
///
/// `pools`, after `type`, declares slab caches and memory pools of the module. Each name is a type
/// of no size that owns its pool, so a box from it is a pointer, and `get()` is the pool itself.
/// They are made from a constant before init, and destroyed after exit, when the module's type is
/// dropped.
///
/// ```ignore
/// kalloc::module! {
///     type: Driver,
///     pools: {
///         /// Requests that the device has.
///         static Requests: Cache<Request> = Args::new(c"request").hwcache_align();
///         static Reserve: Mempool<Request> = 16;
///     },
///     name: "driver",
///     license: "GPL",
/// }
///
/// let request = SlabBox::new(&cx, Requests, Request::default())?;
/// ```
///
/// `drivers`, after `type` and `pools`, registers drivers when init is over, in this order, and
/// unregisters them before exit. A driver's name is the module's, or the one that is given.
///
/// ```ignore
/// kalloc::module! {
///     type: Driver,
///     drivers: { platform: Sensor, pci: Card = c"card" },
///     name: "driver",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module {
    (
        type: $module:ident,
        pools: { $($(#[$doc:meta])* $vis:vis static $name:ident: $pool:ty = $args:expr;)* },
        $($info:tt)*
    ) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            $vis struct $name;

            impl $name {
                /// The pool itself.
                #[allow(dead_code)]
                #[inline(always)]
                $vis fn get(self) -> &'static $pool {
                    // SAFETY: All code of the module runs between the two.
                    unsafe { Self::__place().get() }
                }

                #[doc(hidden)]
                #[inline(always)]
                fn __place() -> &'static $crate::owner::Place<$pool> {
                    static PLACE: $crate::owner::Place<$pool> = $crate::owner::Place::new();
                    &PLACE
                }
            }

            // SAFETY: There is one pool, in a static, the same for each value of this type; no code of
            // the module runs before it is made or after it is destroyed.
            unsafe impl $crate::owner::Owner<$pool> for $name {
                #[inline(always)]
                fn pool(&self) -> &$pool {
                    self.get()
                }
            }
        )*

        $crate::module! { @pools [$($name: $pool = $args;)*] type: $module, $($info)* }
    };
    (type: $module:ident, $($info:tt)*) => {
        $crate::module! { @pools [] type: $module, $($info)* }
    };
    (@pools $pools:tt type: $module:ident, drivers: { $($drivers:tt)* }, $($info:tt)*) => {
        $crate::module! { @drivers { $($drivers)*, } @pools $pools type: $module, $($info)* }
    };
    (@pools $pools:tt type: $module:ident, $($info:tt)*) => {
        $crate::module! { @drivers {} @pools $pools type: $module, $($info)* }
    };
    (
        @drivers $drivers:tt
        @pools [$($name:ident: $pool:ty = $args:expr;)*]
        type: $module:ident, $($info:tt)*
    ) => {
        // In a module of its own: who could name the type that the kernel initialises could make a
        // second token with it.
        // pin_init's macros forget guards of their own.
        #[doc(hidden)]
        #[allow(clippy::mem_forget)]
        mod __kalloc_module {
            use super::*;

            ::kernel::prelude::module! { type: KallocModule, $($info)* }

            // Dropped in this order: who unbinds needs the module, and both need the pools.
            #[::kernel::prelude::pin_data]
            struct KallocModule {
                #[pin]
                _drivers: $crate::__drivers!(@type $drivers),
                #[pin]
                _module: Exit,
                _landing: $crate::in_flight::Landing,
                // What those have dropped may still be running, and holds what the pools gave.
                _reap: $crate::reap::Flush,
                _pools: ($($crate::owner::Made<$pool>,)*),
                _flush: $crate::slab::Flush,
            }

            #[::kernel::prelude::pin_data(PinnedDrop)]
            struct Exit {
                #[pin]
                module: $module,
            }

            impl ::kernel::InPlaceModule for KallocModule {
                fn init(
                    module: &'static ::kernel::ThisModule,
                ) -> impl ::kernel::prelude::PinInit<Self, ::kernel::error::Error> {
                    // SAFETY: The kernel runs a module's init in process context, and this is the
                    // only token in it.
                    let task = unsafe { $crate::context::Task::assume() };
                    // Made in the reverse order, in which an init that fails drops them.
                    ::kernel::prelude::try_pin_init!(KallocModule {
                        _flush: {
                            // Whoever names this type after all gets no second token.
                            $crate::in_flight::here().enter()?;
                            // SAFETY: It is dropped in process context.
                            unsafe { $crate::slab::Flush::new() }
                        },
                        _pools: ($({
                            // Not within `unsafe`, which would be that of the driver's expression too.
                            let args = const { $args };
                            // SAFETY: Here and nowhere else, before all other code of the module; it
                            // is dropped after it, in process context.
                            unsafe { $crate::owner::Made::make($name::__place(), &task, &args) }?
                        },)*),
                        // SAFETY: It is dropped in process context.
                        _reap: unsafe { $crate::reap::Flush::new($crate::in_flight::here()) },
                        // SAFETY: It is dropped in process context.
                        _landing: unsafe {
                            $crate::in_flight::Landing::new($crate::in_flight::here())
                        },
                        _module <- ::kernel::prelude::try_pin_init!(Exit {
                            module <- <$module as $crate::InPlaceModule>::init(module, task),
                        }),
                        _drivers <- $crate::__drivers!(@register module $module $drivers),
                    })
                }
            }

            #[::kernel::prelude::pinned_drop]
            impl PinnedDrop for Exit {
                fn drop(self: ::core::pin::Pin<&mut Self>) {
                    // SAFETY: The kernel runs a module's exit in process context, and this is the
                    // only token in it.
                    let mut task = unsafe { $crate::context::Task::assume() };
                    <$module as $crate::InPlaceModule>::exit(self.project().module, &mut task)
                }
            }

            impl ::kernel::ModuleMetadata for $module {
                const NAME: &'static ::kernel::str::CStr =
                    <KallocModule as ::kernel::ModuleMetadata>::NAME;
                const THIS_MODULE: ::kernel::ThisModule =
                    <KallocModule as ::kernel::ModuleMetadata>::THIS_MODULE;
            }

            // What the kernel crate's macros expect at the root of a module's crate.
            pub(super) const LOG_PREFIX: &[u8] = __LOG_PREFIX;
            #[allow(unused_imports)]
            pub(super) mod parameters {
                pub(crate) use super::module_parameters::*;
            }
        }

        #[allow(dead_code)]
        const __LOG_PREFIX: &[u8] = __kalloc_module::LOG_PREFIX;
        #[allow(dead_code)]
        type LocalModule = $module;
        #[allow(unused_imports)]
        use __kalloc_module::parameters as module_parameters;
    };
}

/// The `drivers` of [`module!`]: a type that holds all registrations, and its initialiser.
#[doc(hidden)]
#[macro_export]
macro_rules! __drivers {
    (@type { $(,)? }) => { () };
    (@type { $bus:ident: $driver:ty $(= $name:expr)?, $($rest:tt)* }) => {
        $crate::driver::Both<
            $crate::$bus::Registration<$driver>,
            $crate::__drivers!(@type { $($rest)* }),
        >
    };
    (@register $this:ident $module:ident { $(,)? }) => { Ok::<(), ::kernel::error::Error>(()) };
    (@register $this:ident $module:ident { $bus:ident: $driver:ty, $($rest:tt)* }) => {
        $crate::__drivers!(@register $this $module {
            $bus: $driver = <$module as ::kernel::ModuleMetadata>::NAME, $($rest)*
        })
    };
    (@register $this:ident $module:ident { $bus:ident: $driver:ty = $name:expr, $($rest:tt)* }) => {
        $crate::driver::Both::new(
            {
                let name = $name;
                // SAFETY: A module's init and exit run in process context.
                unsafe {
                    <$crate::$bus::Registration<$driver> as $crate::driver::Register>::register(
                        name, $this,
                    )
                }
            },
            $crate::__drivers!(@register $this $module { $($rest)* }),
        )
    };
}
