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
#[macro_export]
macro_rules! module {
    (type: $module:ident, $($info:tt)*) => {
        // In a module of its own: who could name the type that the kernel initialises could make a
        // second token with it.
        #[doc(hidden)]
        mod __kalloc_module {
            use super::*;

            ::kernel::prelude::module! { type: KallocModule, $($info)* }

            #[::kernel::prelude::pin_data(PinnedDrop)]
            struct KallocModule {
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
                    ::kernel::prelude::try_pin_init!(KallocModule {
                        module <- <$module as $crate::InPlaceModule>::init(module, task),
                    })
                }
            }

            #[::kernel::prelude::pinned_drop]
            impl PinnedDrop for KallocModule {
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
