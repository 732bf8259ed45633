// SPDX-License-Identifier: GPL-2.0

//! Modules whose init and exit get a [`TaskCx`].
//!
//! [`module!`](crate::module!) declares a type for the kernel crate's own `module!`. The init of
//! that type calls [`Root::start`], which does the rest in this file. So the macro contains none of
//! it, and makes no token among the driver's own tokens. The driver provides a [`Spec`], a safe
//! trait.

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
        slab,
        vec::KVVec, //
    },
    series, //
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no module of kalloc",
    label = "`impl kalloc::Module for {Self}` is missing",
    note = "kalloc's trait is not `kernel::Module`: `fn init(module: &'static ThisModule, task: &mut TaskCx) -> Result<Self>`; \
            the token is the last argument"
)]
#[doc(alias("module_init", "module_exit"))]
pub trait Module: Sized + Send + Sync {
    /// Runs when the module is loaded.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> Result<Self>;

    /// Runs when the module is unloaded, with the module's value. Fields can be moved out, to stop
    /// or free them at once. The rest is dropped.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn exit(self, _task: &mut TaskCx) {}
}

/// A kernel module that is initialised in place and pinned, for [`crate::module!`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no module of kalloc",
    label = "`impl kalloc::Module for {Self}`, or `kalloc::InPlaceModule`, is missing",
    note = "kalloc's traits are not `kernel::Module` and `kernel::InPlaceModule`: init and exit have a token, `task: &mut TaskCx`, \
            as the last argument"
)]
pub trait InPlaceModule: Sized + Send + Sync {
    /// Runs when the module is loaded. The initialiser may use `task`.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> impl PinInit<Self, Error>;

    /// Runs when the module is unloaded, before its value is dropped.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn exit(self: Pin<&mut Self>, _task: &mut TaskCx) {}

    /// Runs exit, and drops the module's value. The last argument keeps drivers from overriding it:
    /// they cannot name its type.
    ///
    /// # Safety
    ///
    /// `this` is pinned, and is neither used nor dropped again.
    #[doc(hidden)]
    unsafe fn end(this: *mut Self, task: &mut TaskCx, _: sealed::OfTheCrate) {
        // SAFETY: `# Safety`: `this` is pinned, and is not used otherwise.
        Self::exit(unsafe { Pin::new_unchecked(&mut *this) }, task);
        // SAFETY: `# Safety`: `this` is not dropped again. The reference of exit has ended.
        unsafe { ptr::drop_in_place(this) };
    }
}

mod sealed {
    /// The type of an argument of functions that drivers must not implement.
    #[derive(Debug)]
    pub struct OfTheCrate;
}

impl<M: Module> InPlaceModule for M {
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> impl PinInit<Self, Error> {
        <M as Module>::init(module, task)
    }

    unsafe fn end(this: *mut Self, task: &mut TaskCx, _: sealed::OfTheCrate) {
        // SAFETY: `# Safety`: `this` is not used again. The value is moved although it was pinned:
        // only this crate has had a reference to it, and only to pass it to exit.
        <M as Module>::exit(unsafe { this.read() }, task);
    }
}

// A module that `module!` has started ----------------------------------------------------------------------------------

/// The parts of a module, for [`Root`]. [`module!`](crate::module!) implements it.
#[doc(hidden)]
pub trait Spec: 'static {
    /// The type of the module.
    type Main: InPlaceModule;

    /// The pools of the module.
    type Pools: Pools;

    /// The drivers of the module.
    type Drivers: Drivers;

    /// The name of the module, and of each driver without its own name.
    const NAME: &'static CStr;

    /// The names of the drivers, where they are given.
    const DRIVER_NAMES: &'static [Option<&'static CStr>];
}

/// A module that has been started, for a field of the type that the kernel initialises.
///
/// Forgetting or dropping the value has no effect: kalloc knows the module by its address, and its
/// module notifier ends the module when the kernel unloads it. Only kalloc's own value ends kalloc.
#[doc(hidden)]
pub struct Root<S>(PhantomData<fn(S)>);

impl<S> fmt::Debug for Root<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root")
    }
}

/// The drivers and the module's value, between init and exit.
// Fields are dropped in this order: unbind uses the module's value.
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
        // SAFETY: The value is in a `Running`, which is dropped in process context. The code can
        // reach no other token: those of init ended with init.
        let mut task = unsafe { TaskCx::assume() };
        // SAFETY: The value is not moved until it is dropped.
        let main = &raw mut unsafe { self.get_unchecked_mut() }.main;
        // SAFETY: The value stays pinned and is dropped once, here. `ManuallyDrop` is transparent.
        unsafe { M::end(main.cast(), &mut task, sealed::OfTheCrate) }
    }
}

/// The state of a module, from init to unload.
// Fields are dropped in this order.
struct State<S: Spec> {
    running: Option<Pin<KBox<Running<S>>>>,
    _in_flight: WaitInFlight,
    // Callback objects that were dropped may still run, and hold objects of the pools.
    _callbacks: callbacks::Flush,
    _pools: <S::Pools as Pools>::ModulePool,
    _dropped_caches: slab::DestroyDropped,
}

impl<S: Spec> State<S> {
    /// Makes the pools.
    ///
    /// # Safety
    ///
    /// The caller is in process context and has no other token in reach. If the module has pools,
    /// the caller runs before all other code of the module. The result is dropped in process
    /// context, when no other code of the module runs any more.
    unsafe fn new(here: Here) -> Result<Self> {
        // SAFETY: `# Safety`: this is process context, without another token in reach.
        let task = unsafe { TaskCx::assume() };
        Ok(Self {
            // The pools are made before the rest, so they are dropped if a later step fails.
            // SAFETY: `# Safety`: the result is dropped in process context.
            _dropped_caches: unsafe { slab::DestroyDropped::new() },
            // SAFETY: `# Safety`: this is process context, and the pools are dropped after all code
            // that uses them.
            _pools: unsafe { <S::Pools as Pools>::make(&task) }?,
            // SAFETY: `# Safety`: the result is dropped in process context, after `running`.
            _callbacks: unsafe { callbacks::Flush::new(here) },
            // SAFETY: `# Safety`: the result is dropped in process context.
            _in_flight: unsafe { WaitInFlight::new(here) },
            running: None,
        })
    }

    /// Runs init, and registers the drivers.
    ///
    /// # Safety
    ///
    /// The caller is in process context, and has no other token in reach.
    unsafe fn run(module: &'static ThisModule) -> Result<Pin<KBox<Running<S>>>> {
        // SAFETY: `# Safety`: this is process context, without another token in reach. The token
        // ends before the next one is made.
        let memory = KBox::<Running<S>>::new_uninit(&unsafe { TaskCx::assume() })?;
        let main = |slot: *mut ManuallyDrop<S::Main>| {
            // SAFETY: `# Safety`: this is process context, without another token in reach. The
            // token ends before the drivers are registered.
            let mut task = unsafe { TaskCx::assume() };
            let init = <S::Main as InPlaceModule>::init(module, &mut task);
            // SAFETY: `ManuallyDrop` is transparent. This closure is the body of an initialiser, so
            // `slot` is valid, and is pinned if it is initialised.
            unsafe { series::raw_try_init(slot.cast::<S::Main>(), init) }
        };
        memory.write_pin_init(try_pin_init!(Running {
            main <- try_pin_init!(Exit {
                // SAFETY: `main` initialises the slot, or returns the error.
                main <- unsafe { pin_init::pin_init_from_closure::<_, Error>(main) },
            }? Error),
            // SAFETY: `# Safety`: this is process context, and the result is dropped there. The
            // token of init has ended.
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
/// The C code calls it once, in process context, with the state that [`Root::start`] passed to it,
/// when no code of the module runs any more except the code of the state.
unsafe extern "C" fn end<S: Spec>(state: *mut c_void) {
    // SAFETY: `# Safety`: `state` is the leaked box of `Root::start`, and is passed once.
    drop(unsafe { KBox::from_raw(state.cast::<State<S>>()) });
}

impl<S: Spec> Root<S> {
    /// Starts the module that this function is inlined into.
    ///
    /// The linker determines the module, not an argument. The call fails unless the kernel runs the
    /// init of that module, and this is the first call in it, in the same task and where the task
    /// may sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `module` is another module. `EBUSY` if the module has been started already, or
    /// this is not its init. Otherwise the errors of the pools, of init and of the drivers.
    #[inline(always)]
    pub fn start(module: &'static ThisModule) -> Result<Self> {
        Self::start_at(in_flight::here(), module)
    }

    fn start_at(here: Here, module: &'static ThisModule) -> Result<Self> {
        if module.as_ptr() != here.as_ptr() {
            return Err(EINVAL);
        }
        // From here on this function does everything that the module does until its init has ended.
        here.enter()?;
        // Allocated first: without memory for the state at the end, nothing would wait for open
        // files.
        // SAFETY: `enter` succeeded: this is the module's init, in process context, for the first
        // time. The token ends before the next one is made.
        let memory = KBox::<State<S>>::new_uninit(&unsafe { TaskCx::assume() })?;
        // SAFETY: `enter` succeeded: this is the module's init, in process context, for the first
        // time, so this task has no token. With pools the module is that of `module!`, by `PoolName`:
        // none of its other code has run. The state is dropped here if init fails, and otherwise by
        // `end`.
        let mut state = unsafe { State::<S>::new(here) }?;
        // SAFETY: As above. The token of `State::new` has ended.
        match unsafe { State::<S>::run(module) } {
            Ok(running) => state.running = Some(running),
            Err(err) => {
                // The objects that init registered have been dropped; wait for them to end. Files
                // may still be open.
                // SAFETY: The call sleeps, which init may.
                unsafe { kalloc_helper_callbacks_end(here.as_ptr()) };
                // SAFETY: The call sleeps, which init may.
                if unsafe { kalloc_helper_module_wait_unused(here.as_ptr(), err.to_errno()) } {
                    return Err(err);
                }
            }
        }
        let state = NonNull::from(memory.write(state).leak());
        // SAFETY: The record of the module, which `enter` made, keeps the state until the module
        // ends. `end` is for this type.
        unsafe {
            kalloc_helper_module_set_root(here.as_ptr(), state.as_ptr().cast(), Some(end::<S>))
        };
        Ok(Self(PhantomData))
    }
}

impl<S> Drop for Root<S> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: The helper ends kalloc only, whose value the kernel drops once, in the exit of
        // kalloc, in process context.
        unsafe { kalloc_helper_module_exit(in_flight::here().as_ptr()) }
    }
}

/// A type that the kernel crate's prelude and kalloc's call by one name, as kalloc's has it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the crate has the kernel crate's prelude instead of kalloc's",
    label = "`KVVec` is the kernel crate's here",
    note = "write `use kalloc::prelude::*;` instead of `use kernel::prelude::*;`: kalloc's has the rest of the kernel crate's"
)]
pub trait OfThePrelude {}
impl<T> OfThePrelude for KVVec<T> {}

/// Checks at build time that a name means what kalloc's prelude means by it.
#[doc(hidden)]
pub const fn of_the_prelude<T: OfThePrelude>() {}

/// Declares a kernel module, with the fields of the kernel crate's `module!`. Its type is a
/// [`Module`] or an [`InPlaceModule`] of this crate.
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
/// `pools`, after `type`, declares slab caches and memory pools of the module. Each name is a
/// zero-sized type that owns its pool, so a box from the pool is one pointer. `get()` returns the
/// pool itself. The pools are made from constants before init, and destroyed after exit, when the
/// module's value has been dropped.
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
/// The macro must be used at the root of the crate, where the kernel crate's macros, such as
/// `pr_info!`, expect its declarations. It also declares the names `kernel`, `pin_init` and `core`,
/// which the kernel crate's macro uses. It compiles only if these names mean nothing else in the
/// crate.
///
/// A file of a misc device may be open when init fails. Init then waits until the file is closed,
/// since the kernel would free the module while the file uses it. If the process that loads the
/// module is killed meanwhile, the module stays loaded, but empty, until `rmmod`.
///
/// `drivers`, after `type` and `pools`, registers drivers after init, in this order, and
/// unregisters them before exit. A driver has the name that is given, or that of the module.
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
        // The kernel crate's `module!` uses these names, so a crate of the driver must not have
        // them.
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
                /// The pool.
                #[allow(dead_code)]
                #[inline(always)]
                $vis fn get(self) -> &'static $pool {
                    $crate::__macro::pool(self)
                }
            }

            // SAFETY: The struct above has no parameters. The static of `PLACE` below is in a
            // constant of this name alone, which is in `Spec::Pools` below. `Root::start` makes
            // those pools before all other code of this module runs: the kernel crate's `module!`
            // below declares the init that calls it, and `crates` checks that the crates are the
            // real ones.
            unsafe impl $crate::__macro::PoolName for $name {}

            impl $crate::__macro::StaticPool for $name {
                type Pool = $pool;
                const PLACE: $crate::__macro::ModuleStaticRef<$pool> = {
                    static PLACE: $crate::__macro::ModuleStatic<$pool> =
                        $crate::__macro::ModuleStatic::new();
                    $crate::__macro::ModuleStaticRef::new(&PLACE)
                };
                const ARGS: <$pool as $crate::__macro::ForModule>::Args = $args;
            }
        )*

        #[doc(hidden)]
        mod __kalloc_module {
            // Expressions in `params` may name items of the root.
            #[allow(unused_imports)]
            use super::*;

            $crate::__macro::kernel::module! { type: KallocModule, $($info)* }

            /// The type that the kernel initialises.
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

            // The kernel crate's `module!` uses paths such as `::core`, and the driver may have a
            // crate of its own with that name. Two glob imports may have a name in common only if
            // both mean the same item. So each of these names means the real crate. These modules
            // contain nothing else.
            mod crates {
                mod named {
                    pub(super) use core;
                    pub(super) use kernel;
                    pub(super) use pin_init;
                }
                // `extern crate` ignores the names at the crate's root.
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

            // If the crate's root has this name, it has it from kalloc's prelude.
            mod prelude {
                #[allow(unused_imports)]
                use $crate::prelude::*;
                const _: () = {
                    #[allow(unused_imports)]
                    use super::super::*;
                    $crate::__macro::of_the_prelude::<KVVec<u8>>()
                };
            }

            // The names that the kernel crate's macros expect at the root of a module's crate.
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
            $crate::__module_metadata! { __kalloc_module::KallocModule }
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
        $crate::__fields! {
            ($($info)*)
            type: $module, pools: { $($pools)* }, drivers: { $($drivers)* }, $($info)*
        }
    };
    (type: $module:ident, pools: { $($pools:tt)* }, $($info:tt)*) => {
        $crate::__fields! {
            ($($info)*)
            type: $module, pools: { $($pools)* }, drivers: {}, $($info)*
        }
    };
    (type: $module:ident, drivers: { $($drivers:tt)* }, $($info:tt)*) => {
        $crate::__fields! {
            ($($info)*)
            type: $module, pools: {}, drivers: { $($drivers)* }, $($info)*
        }
    };
    (type: $module:ident, $($info:tt)*) => {
        $crate::__fields! { ($($info)*) type: $module, pools: {}, drivers: {}, $($info)* }
    };
}

/// Declares the module, if none of the fields in the parentheses is one that must stand before them.
#[doc(hidden)]
#[macro_export]
macro_rules! __fields {
    (() $($all:tt)*) => {
        $crate::module! { @module $($all)* }
    };
    ((pools: $($rest:tt)*) $($all:tt)*) => {
        $crate::__macro::core::compile_error! {
            "`pools` follows `type` in `kalloc::module!`, before `drivers` and all other fields; `module_platform_driver!` and \
             `module_pci_driver!` have none: use `kalloc::module!` with `pools` and `drivers`"
        }
    };
    ((drivers: $($rest:tt)*) $($all:tt)*) => {
        $crate::__macro::core::compile_error! {
            "`drivers` follows `type` and `pools` in `kalloc::module!`, before all other fields"
        }
    };
    (($first:tt $($rest:tt)*) $($all:tt)*) => {
        $crate::__fields! { ($($rest)*) $($all)* }
    };
}

/// The list `(First, (Second, ()))` of types.
#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    () => { () };
    ($first:ty $(, $rest:ty)*) => { ($first, $crate::__list!($($rest),*)) };
}

/// The name of a driver, if given.
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
