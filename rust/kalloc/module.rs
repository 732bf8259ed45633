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

            // SAFETY: There is one pool, in a static, and no code of the module runs before it is
            // made or after it is destroyed.
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
