// SPDX-License-Identifier: GPL-2.0

//! Modules whose init and exit get a [`TaskCx`].
//!
//! [`module!`](crate::module!) makes a type, for the kernel crate's own `module!`, whose init calls
//! [`Root::start`]. That does the rest, here: nothing of it is in the macro, and the token is made
//! where no tokens of the driver are. What it needs of the driver is a [`Spec`], a safe trait.

use crate::{
    contexts::tokens::TaskCx,
    entry::{
        bus::driver::Drivers,
        callbacks,
        in_flight::{
            self,
            Here,
            WaitInFlight, //
        },
        pools::Pools, //
    },
    memory::{
        boxed::KBox,
        slab, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    pin::Pin,
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    error::{
        code::EINVAL,
        Error,
        Result, //
    },
    ffi::c_void,
    prelude::{
        pin_data,
        pinned_drop,
        try_pin_init,
        InPlaceWrite,
        PinInit, //
    },
    str::CStr,
    ThisModule, //
};

/// A kernel module, for [`crate::module!`].
///
/// ```
/// use kalloc::prelude::*;
///
/// struct Hello(KBox<u32>);
///
/// impl kalloc::Module for Hello {
///     fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
///         Ok(Self(KBox::new(&task, 7)?))
///     }
///
///     fn exit(self, _task: &mut TaskCx) {
///         pr_info!("the number was {}\n", *self.0);
///     }
/// }
/// ```
///
/// A thread that exit waits for:
///
/// ```
/// use kalloc::{kthread::{kthread_run, Kthread, This}, prelude::*};
///
/// struct Counts(Kthread<u32>);
///
/// impl kalloc::Module for Counts {
///     fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
///         Ok(Self(kthread_run!(&task, c"counts", |task: &mut TaskCx, this: &This<'_>| {
///             let mut seconds = 0;
///             while !this.should_stop() {
///                 this.sleep(task, kernel::time::msecs_to_jiffies(1000));
///                 seconds += 1;
///             }
///             seconds
///         })?))
///     }
///
///     fn exit(self, task: &mut TaskCx) {
///         if let Ok(seconds) = self.0.stop(task) {
///             pr_info!("{} seconds\n", seconds);
///         }
///     }
/// }
/// ```
pub trait Module: Sized + Send + Sync {
    /// Runs when the module is loaded.
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> Result<Self>;

    /// Runs when the module is unloaded, with the module's value: what is to be stopped or freed at once
    /// can be taken out of it. The rest is dropped.
    fn exit(self, _task: &mut TaskCx) {}
}

/// A kernel module that is initialised in place and pinned, for [`crate::module!`].
pub trait InPlaceModule: Sized + Send + Sync {
    /// Runs when the module is loaded. The initialiser may use `task`.
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> impl PinInit<Self, Error>;

    /// Runs when the module is unloaded, before it is dropped.
    fn exit(self: Pin<&mut Self>, _task: &mut TaskCx) {}

    /// Runs exit, and drops the module.
    ///
    /// # Safety
    ///
    /// `this` is pinned, and neither used nor dropped again.
    #[doc(hidden)]
    unsafe fn end(this: *mut Self, task: &mut TaskCx) {
        // SAFETY: By the contract of this function.
        Self::exit(unsafe { Pin::new_unchecked(&mut *this) }, task);
        // SAFETY: By the contract of this function; the reference is gone.
        unsafe { ptr::drop_in_place(this) };
    }
}

impl<M: Module> InPlaceModule for M {
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> impl PinInit<Self, Error> {
        <M as Module>::init(module, task)
    }

    unsafe fn end(this: *mut Self, task: &mut TaskCx) {
        // SAFETY: By the contract of this function it is not used again. It is moved although it was
        // pinned: nobody but this crate has had it, and that only for this.
        <M as Module>::exit(unsafe { this.read() }, task);
    }
}

// What `module!` starts ------------------------------------------------------------------------------------------------

/// What a module consists of, for [`Root`]: [`module!`](crate::module!) implements it.
#[doc(hidden)]
pub trait Spec: 'static {
    /// The module proper.
    type Main: InPlaceModule;

    /// Its pools.
    type Pools: Pools;

    /// Its drivers.
    type Drivers: Drivers;

    /// The name of the module, and of each driver that has no other.
    const NAME: &'static CStr;

    /// The name of each driver.
    const DRIVER_NAMES: &'static [Option<&'static CStr>];
}

/// A module that has been started, for a field of what the kernel initialises.
///
/// It ends with the module. To forget it or to drop it early has no effect: kalloc knows the module by
/// its address, and ends it when the kernel unloads it.
#[doc(hidden)]
pub struct Root<S>(PhantomData<fn(S)>);

impl<S> fmt::Debug for Root<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root")
    }
}

/// What runs between init and exit.
// Dropped in this order: who unbinds needs the module.
#[pin_data]
struct Running<S: Spec> {
    #[pin]
    drivers: <S::Drivers as crate::entry::bus::driver::sealed::Drivers>::Registered,
    #[pin]
    main: Exit<S::Main>,
}

#[pin_data(PinnedDrop)]
struct Exit<M: InPlaceModule> {
    #[pin]
    main: ManuallyDrop<M>,
}

#[pinned_drop]
impl<M: InPlaceModule> PinnedDrop for Exit<M> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: It is in a `Running`, which is dropped in process context. Nothing else has a token
        // there: those of init have gone with it.
        let mut task = unsafe { TaskCx::assume() };
        // SAFETY: It stays where it is until it is dropped.
        let main = &raw mut unsafe { self.get_unchecked_mut() }.main;
        // SAFETY: As above; a `ManuallyDrop` is transparent, and this is dropped once.
        unsafe { M::end(main.cast(), &mut task) }
    }
}

/// All that a module has.
// Dropped in this order.
struct State<S: Spec> {
    running: Option<Pin<KBox<Running<S>>>>,
    _landing: WaitInFlight,
    // What those have dropped may still be running, and holds what the pools gave.
    _reap: callbacks::Flush,
    _pools: <S::Pools as Pools>::ModulePool,
    _flush: slab::Flush,
}

impl<S: Spec> State<S> {
    /// Makes the pools.
    ///
    /// # Safety
    ///
    /// In process context, where there is no other token, before all other code of the module runs. The
    /// result is dropped in process context, when it runs no more.
    unsafe fn new(here: Here) -> Result<Self> {
        // SAFETY: By the contract of this function.
        let task = unsafe { TaskCx::assume() };
        Ok(Self {
            // ModulePool first, and so dropped when what follows fails.
            // SAFETY: It is dropped in process context.
            _flush: unsafe { slab::Flush::new() },
            // SAFETY: By the contract of this function: they are dropped after what runs.
            _pools: unsafe { <S::Pools as Pools>::make(&task) }?,
            // SAFETY: It is dropped in process context.
            _reap: unsafe { callbacks::Flush::new(here) },
            // SAFETY: It is dropped in process context.
            _landing: unsafe { WaitInFlight::new(here) },
            running: None,
        })
    }

    /// Runs init, and registers the drivers.
    ///
    /// # Safety
    ///
    /// In process context, where there is no other token.
    unsafe fn run(module: &'static ThisModule) -> Result<Pin<KBox<Running<S>>>> {
        // SAFETY: By the contract of this function; it is gone before the next one is made.
        let memory = KBox::<Running<S>>::new_uninit(&unsafe { TaskCx::assume() })?;
        let main = |slot: *mut ManuallyDrop<S::Main>| {
            // SAFETY: By the contract of this function. It is gone before the drivers are registered.
            let mut task = unsafe { TaskCx::assume() };
            let init = <S::Main as InPlaceModule>::init(module, &mut task);
            // SAFETY: A `ManuallyDrop` is transparent. The rest is the contract of an initialiser, which
            // this is the body of.
            unsafe { pin_init::raw_try_init(slot.cast::<S::Main>(), init) }
        };
        memory.write_pin_init(try_pin_init!(Running {
            main <- try_pin_init!(Exit {
                // SAFETY: It initialises the slot, or returns the error.
                main <- unsafe { pin_init::pin_init_from_closure::<_, Error>(main) },
            }? Error),
            // SAFETY: In process context, and dropped there. The token of init is gone.
            drivers <- unsafe {
                <S::Drivers as crate::entry::bus::driver::sealed::Drivers>::register(
                    S::DRIVER_NAMES,
                    S::NAME,
                    module,
                )
            },
        }? Error))
    }
}

/// # Safety
///
/// The C code calls it once, with the state that [`Root::start`] has left to it, in process context,
/// when no code of the module runs but what the state still has.
unsafe extern "C" fn end<S: Spec>(state: *mut c_void) {
    // SAFETY: By the contract of this function.
    drop(unsafe { KBox::from_raw(state.cast::<State<S>>()) });
}

impl<S: Spec> Root<S> {
    /// Starts the module that this is linked into.
    ///
    /// Which module that is the linker says, and no argument. The kernel has just begun to run its
    /// init, or this fails.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `module` is another one. `EBUSY` if the module has been started already, or its
    /// init is over. Those of the pools, of init and of the drivers.
    #[inline(always)]
    pub fn start(module: &'static ThisModule) -> Result<Self> {
        Self::start_at(in_flight::here(), module)
    }

    fn start_at(here: Here, module: &'static ThisModule) -> Result<Self> {
        if module.as_ptr() != here.as_ptr() {
            return Err(EINVAL);
        }
        // All that the module does until its init is over is done by this, from here on.
        here.enter()?;
        // Before all else: where there is no memory for it at the end, nobody would wait for open files.
        // SAFETY: The module's init runs, in process context, and has not been here before; it is gone
        // before the next one is made.
        let memory = KBox::<State<S>>::new_uninit(&unsafe { TaskCx::assume() })?;
        // SAFETY: The module's init runs, in process context, and has not been here before: so no code
        // of the module has run that could have a token, and none has a pool. What fails is dropped
        // here, the rest by `end`.
        let mut state = unsafe { State::<S>::new(here) }?;
        // SAFETY: As above; the token of `State::new` is gone.
        match unsafe { State::<S>::run(module) } {
            Ok(running) => state.running = Some(running),
            Err(err) => {
                // What init had registered is gone when its objects are. Files may still be open.
                // SAFETY: It sleeps, which init may.
                unsafe { kalloc_helper_callbacks_end(here.as_ptr()) };
                // SAFETY: It sleeps, which init may.
                if unsafe { kalloc_helper_module_wait_unused(here.as_ptr(), err.to_errno()) } {
                    return Err(err);
                }
            }
        }
        let state = NonNull::from(memory.write(state).leak());
        // SAFETY: The record of the module, which was entered above, keeps it until the module ends,
        // and `end` is for this type.
        unsafe {
            kalloc_helper_module_set_root(here.as_ptr(), state.as_ptr().cast(), Some(end::<S>))
        };
        Ok(Self(PhantomData))
    }
}

impl<S> Drop for Root<S> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: It looks whether the module ends, and whether this is where that may be done: if not,
        // the module's end does it.
        unsafe { kalloc_helper_module_exit(in_flight::here().as_ptr()) }
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
/// It belongs at the root of the crate, where the kernel crate's macros, such as `pr_info!`, expect
/// what it declares. It declares the names `kernel`, `pin_init` and `core`, too: the kernel crate's
/// macro uses them. Wherever it stands, it compiles only if the crate calls nothing else so.
///
/// A file of a misc device may be open when init fails. The end of init then waits until it is
/// closed, since the kernel would free the module under it. If the process that loads the module is
/// killed meanwhile, the module stays, loaded and empty, until `rmmod`.
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
        @module
        type: $module:ident,
        pools: { $($(#[doc = $doc:expr])* $vis:vis static $name:ident: $pool:ty = $args:expr;)* },
        drivers: { $($bus:ident: $driver:ty $(= $driver_name:expr)?),* $(,)? },
        $($info:tt)*
    ) => {
        // The kernel crate's `module!` names these, and a crate of the driver must not be called so.
        #[allow(unused_extern_crates)]
        extern crate core;
        #[allow(unused_extern_crates)]
        extern crate kernel;
        #[allow(unused_extern_crates)]
        extern crate pin_init;

        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug)]
            $vis struct $name;

            impl $name {
                /// The pool itself.
                #[allow(dead_code)]
                #[inline(always)]
                $vis fn get(self) -> &'static $pool {
                    $crate::__macro::pool(self)
                }
            }

            impl $crate::__macro::StaticPool for $name {
                type Pool = $pool;
                const PLACE: $crate::__macro::ModuleStaticRef<$pool> = {
                    // SAFETY: It is the place of a name in `Spec::Pools` below. `Root::start` makes
                    // those before all other code of this module runs: the kernel crate's `module!`
                    // below declares the init that calls it, of the crates that `crates` compares.
                    static PLACE: $crate::__macro::ModuleStatic<$pool> =
                        unsafe { $crate::__macro::ModuleStatic::new() };
                    $crate::__macro::ModuleStaticRef::new(&PLACE)
                };
                const ARGS: <$pool as $crate::__macro::ForModule>::Args = $args;
            }
        )*

        #[doc(hidden)]
        mod __kalloc_module {
            // Expressions in `params` name what is at the root.
            #[allow(unused_imports)]
            use super::*;

            $crate::__macro::kernel::module! { type: KallocModule, $($info)* }

            /// What the kernel initialises.
            pub(super) struct KallocModule(
                #[allow(dead_code)] $crate::__macro::Root<KallocModule>,
            );

            impl $crate::__macro::kernel::Module for KallocModule {
                fn init(
                    module: &'static $crate::__macro::kernel::ThisModule,
                ) -> $crate::__macro::core::result::Result<
                    Self,
                    $crate::__macro::kernel::error::Error,
                > {
                    $crate::__macro::core::result::Result::map(
                        $crate::__macro::Root::start(module),
                        KallocModule,
                    )
                }
            }

            // The kernel crate's `module!` names `::core` and the like, which the driver may have given
            // to a crate of its own. Two globs may import a name only if both mean the same: so each of
            // these is the crate, and all that is in it. Nothing else is in these modules.
            mod crates {
                mod named {
                    pub(super) use core;
                    pub(super) use kernel;
                    pub(super) use pin_init;
                }
                // `extern crate` does not ask what the crate's root calls so.
                #[allow(unused_extern_crates)]
                mod real {
                    pub(super) extern crate core;
                    pub(super) extern crate kernel;
                    pub(super) extern crate pin_init;
                }
                mod same {
                    #[allow(unused_imports)]
                    use super::{
                        named::*,
                        real::*, //
                    };
                    #[allow(unused_imports)]
                    use self::{
                        core as _,
                        kernel as _,
                        pin_init as _, //
                    };
                }
            }

            // What the kernel crate's macros expect at the root of a module's crate.
            pub(super) const LOG_PREFIX: &[u8] = __LOG_PREFIX;
            #[allow(unused_imports)]
            pub(super) mod parameters {
                pub(crate) use super::module_parameters::*;
            }
        }

        impl $crate::__macro::Spec for __kalloc_module::KallocModule {
            type Main = $module;
            type Pools = $crate::__list!($($name),*);
            type Drivers = $crate::__list!($($crate::$bus::Registration<$driver>),*);
            const NAME: &'static $crate::__macro::core::ffi::CStr =
                <__kalloc_module::KallocModule as $crate::__macro::kernel::ModuleMetadata>::NAME;
            const DRIVER_NAMES: &'static [
                $crate::__macro::core::option::Option<&'static $crate::__macro::core::ffi::CStr>
            ] = &[$($crate::__name!($($driver_name)?)),*];
        }

        impl $crate::__macro::kernel::ModuleMetadata for $module {
            const NAME: &'static $crate::__macro::core::ffi::CStr =
                <__kalloc_module::KallocModule as $crate::__macro::kernel::ModuleMetadata>::NAME;
            const THIS_MODULE: $crate::__macro::kernel::ThisModule =
                <__kalloc_module::KallocModule as $crate::__macro::kernel::ModuleMetadata>::THIS_MODULE;
        }

        #[allow(dead_code)]
        const __LOG_PREFIX: &[u8] = __kalloc_module::LOG_PREFIX;
        #[allow(dead_code)]
        type LocalModule = $module;
        #[allow(unused_imports)]
        use __kalloc_module::parameters as module_parameters;
    };
    (
        type: $module:ident,
        pools: { $($pools:tt)* },
        drivers: { $($drivers:tt)* },
        $($info:tt)*
    ) => {
        $crate::module! {
            @module
            type: $module, pools: { $($pools)* }, drivers: { $($drivers)* }, $($info)*
        }
    };
    (type: $module:ident, pools: { $($pools:tt)* }, $($info:tt)*) => {
        $crate::module! {
            @module
            type: $module, pools: { $($pools)* }, drivers: {}, $($info)*
        }
    };
    (type: $module:ident, drivers: { $($drivers:tt)* }, $($info:tt)*) => {
        $crate::module! {
            @module
            type: $module, pools: {}, drivers: { $($drivers)* }, $($info)*
        }
    };
    (type: $module:ident, $($info:tt)*) => {
        $crate::module! { @module type: $module, pools: {}, drivers: {}, $($info)* }
    };
}

/// The list `(First, (Second, ()))` of types.
#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    () => { () };
    ($first:ty $(, $rest:ty)*) => { ($first, $crate::__list!($($rest),*)) };
}

/// The name of a driver, if one is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __name {
    () => {
        $crate::__macro::core::option::Option::None
    };
    ($name:expr) => {
        $crate::__macro::core::option::Option::Some($name)
    };
}
