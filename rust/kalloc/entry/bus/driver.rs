// SPDX-License-Identifier: GPL-2.0

//! The common part of the drivers of all buses, such as [`platform`](crate::platform) and
//! [`pci`](crate::pci).
//!
//! C header: [`include/linux/device/driver.h`](srctree/include/linux/device/driver.h)
//!
//! Each bus has a trait `Driver`, which is the kernel crate's with a token as the last argument of
//! each function, and a `Registration`, which registers the driver. The driver core calls probe and
//! unbind in process context, with the device's mutex held.
//!
//! A driver is registered by [`module_platform_driver!`](crate::module_platform_driver!) and
//! similar macros, or, if its module does more, by the `drivers` of [`module!`](crate::module!).

#[doc(no_inline)]
pub use kernel::driver::*;

use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::{
        tokens::TaskCx,
        traits::MaySleep, //
    },
    devices::dma::{
        AtEnd,
        Quiesce, //
    },
    ground::sealed::Sealed,
    memory::{
        boxed::KBox,
        interop::ArcExt, //
    },
};
use core::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    pin::Pin,
    ptr::NonNull, //
};
use kalloc_bindings::kalloc_helper_mutex_lock_killable;
use kernel::{
    bindings,
    device::Device,
    error::{
        code::ENODEV,
        to_result,
        Error,
        Result, //
    },
    prelude::{
        pin_data,
        pin_init,
        try_pin_init,
        PinInit, //
    },
    static_lock_class,
    str::{
        CStr,
        CStrExt as _, //
    },
    sync::Arc,
    types::{
        ForLt,
        Opaque, //
    },
    ThisModule, //
};

/// A driver that [`module!`](crate::module!) can register.
#[doc(hidden)]
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
#[doc(hidden)]
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

/// A device that is being bound, and the users of the driver's data until the device is unbound.
///
/// A driver gets it in `Driver::start` of its bus, after probe has initialised the data. With it
/// the driver [requests interrupt lines](BoundScope::request_irq), and [lends](BoundScope::lend)
/// the data to code that may outlive the data. When the device is unbound, the bus ends all of
/// these users, after `unbind` and before it drops the data. So the users borrow the data without a
/// reference count, and a driver cannot forget to end one.
///
/// # Invariants
///
/// `users`, and then `at_end`, are dropped before `'d` ends, in process context. `dev` is the
/// device, which is bound until then.
pub struct BoundScope<'d> {
    users: Users,
    /// Dropped when no user is left; asks whether the device is idle.
    at_end: Users,
    dev: *mut bindings::device,
    // Invariant over the lifetime of the data: users could otherwise borrow the data for a shorter
    // lifetime.
    _data: PhantomData<fn(&'d ()) -> &'d ()>,
}

impl<'d> BoundScope<'d> {
    /// Drops `user` before `'d` ends.
    pub(crate) fn until_unbind<C: MaySleep, U: 'd>(
        &mut self,
        cx: &C,
        user: impl PinInit<U, Error>,
    ) -> Result {
        self.users.push(cx, user)
    }

    /// Registers `quiesce`, which is asked at unbind whether the device is idle: after `unbind` has
    /// returned and all users have ended, and before the data is dropped. It is asked about all
    /// memory first ([`MappedRange::is_all`](crate::dma::MappedRange::is_all)). If the answer is
    /// no, it is asked about each allocation that was dropped while the device might use it. Idle
    /// memory is freed. The rest is leaked, with a warning in the log.
    ///
    /// A PCI device needs no `quiesce`: kalloc disables its bus mastering. `unbind` stops the
    /// device before that.
    ///
    /// ```
    /// use kalloc::{dma::{DmaDevice, MappedRange, Quiesce}, driver::BoundScope, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// struct Card<'bound> { dma: DmaDevice<'bound>, stopped: bool }
    /// struct Stopped<'a, 'bound>(&'a Card<'bound>);
    ///
    /// impl Quiesce for Stopped<'_, '_> {
    ///     fn device(&self) -> &Device<Bound> { self.0.dma.device() }
    ///     fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool { self.0.stopped }
    /// }
    ///
    /// fn start<'d>(card: &'d Card<'_>, binding: &mut BoundScope<'d>, task: &mut TaskCx) -> Result {
    ///     binding.quiesce(task, Stopped(card))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` if `quiesce` is of another device than the one that is being bound, `ENOMEM` if
    /// memory is short. `quiesce` is not asked then.
    pub fn quiesce<C: MaySleep, Q: Quiesce + Send + 'd>(&mut self, cx: &C, quiesce: Q) -> Result {
        // SAFETY: Invariant of `BoundScope`: `at_end` is dropped in process context, while `dev` is
        // bound.
        let at_end = unsafe { AtEnd::new(quiesce, self.dev) };
        self.at_end.push(cx, at_end)
    }

    /// Lends the data to code that may outlive it: an open file, a work item.
    ///
    /// `F` is the type of the data as a function of its lifetimes, made by
    /// [`ForLt!`](kernel::types::ForLt!). Unbind waits for current users. Later users get an error.
    ///
    /// ```
    /// use kalloc::{driver::{BoundScope, Loan}, prelude::*};
    /// use kernel::{device::{Bound, Device}, types::ForLt};
    ///
    /// struct Card<'bound> {
    ///     dev: &'bound Device<Bound>,
    ///     number: u32,
    /// }
    ///
    /// type LentCard = Loan<ForLt!(Card<'_>)>;
    ///
    /// fn start<'d>(card: &'d Card<'_>, binding: &mut BoundScope<'d>, task: &mut TaskCx) -> Result<LentCard> {
    ///     binding.lend::<ForLt!(Card<'_>), _>(task, card)
    /// }
    ///
    /// fn later(card: &LentCard, task: &mut TaskCx) -> Result<u32> {
    ///     card.with(task, |card, _task| card.number)
    /// }
    /// ```
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    pub fn lend<'b, F: ForLt + 'static, C: MaySleep>(
        &mut self,
        cx: &C,
        data: &'d F::Of<'b>,
    ) -> Result<Loan<F>>
    where
        F::Of<'b>: Sync,
    {
        let lent = Arc::pin_init_with(cx, Place::new(Data(NonNull::from(data).cast())))?;
        self.until_unbind(cx, Ok::<_, Error>(Revoke(lent.clone())))?;
        Ok(Loan(DropOrLeak::new(lent)))
    }
}

impl fmt::Debug for BoundScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoundScope")
    }
}

/// A driver's data of a device, usable while the device is bound. Made by [`BoundScope::lend`].
pub struct Loan<F: ForLt + 'static>(DropOrLeak<Arc<Place<F>>>);

/// The data of a loan, under a mutex. The kernel crate's `Mutex` has no killable lock operation.
///
/// # Invariants
///
/// `lock` is an initialised mutex that protects `data`. While `data` is `Some`, its pointer is to
/// valid, shared data of the type `F::Of`.
#[pin_data]
struct Place<F: ForLt + 'static> {
    #[pin]
    lock: Opaque<bindings::mutex>,
    data: UnsafeCell<Option<Data<F>>>,
}

// SAFETY: A mutex that is not held is not bound to a thread, and `Data` is `Send`.
unsafe impl<F: ForLt> Send for Place<F> {}
// SAFETY: `data` is accessed only with the lock held.
unsafe impl<F: ForLt> Sync for Place<F> {}

impl<F: ForLt> Place<F> {
    fn new(data: Data<F>) -> impl PinInit<Self> {
        let (name, class) = (c"kalloc::driver::Loan", static_lock_class!());
        pin_init!(Self {
            // SAFETY: `lock` is valid and pinned, and `name` and `class` are static.
            lock <- Opaque::ffi_init(|lock| unsafe {
                bindings::__mutex_init(lock, name.as_char_ptr(), class.as_ptr())
            }),
            data: UnsafeCell::new(Some(data)),
        })
    }

    /// Wraps `mutex_lock()`.
    fn lock(&self) -> Locked<'_, F> {
        // SAFETY: Invariant of `Place`: the mutex is initialised. A `Revoke` is dropped in process
        // context, which may sleep.
        unsafe { bindings::mutex_lock(self.lock.get()) };
        // INVARIANT: The lock has just been taken.
        Locked(self)
    }

    /// Wraps `mutex_lock_killable()`. Returns `EINTR` if the thread was killed while it waited.
    fn lock_killable<C: MaySleep>(&self, _cx: &C) -> Result<Locked<'_, F>> {
        // SAFETY: Invariant of `Place`: the mutex is initialised. The caller may sleep.
        to_result(unsafe { kalloc_helper_mutex_lock_killable(self.lock.get()) })?;
        // INVARIANT: The lock has just been taken.
        Ok(Locked(self))
    }
}

/// # Invariants
///
/// This thread holds the lock of the place until the value is dropped.
struct Locked<'a, F: ForLt + 'static>(&'a Place<F>);

impl<F: ForLt> Locked<'_, F> {
    fn data(&mut self) -> &mut Option<Data<F>> {
        // SAFETY: Invariant of `Locked`: this thread holds the lock. `self` is borrowed
        // exclusively.
        unsafe { &mut *self.0.data.get() }
    }
}

impl<F: ForLt> Drop for Locked<'_, F> {
    fn drop(&mut self) {
        // SAFETY: Invariant of `Locked`: this thread holds the lock.
        unsafe { bindings::mutex_unlock(self.0.lock.get()) }
    }
}

struct Data<F: ForLt + 'static>(NonNull<F::Of<'static>>);

// SAFETY: `lend` took a shared reference to data that is `Sync`.
unsafe impl<F: ForLt> Send for Data<F> {}

impl<F: ForLt> Clone for Loan<F> {
    fn clone(&self) -> Self {
        Self(DropOrLeak::new(Arc::clone(&self.0)))
    }
}

impl<F: ForLt> fmt::Debug for Loan<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loan")
    }
}

impl<F: ForLt> Loan<F> {
    /// Runs `f` with the data, which is not dropped meanwhile; wraps `mutex_lock_killable()`. The
    /// mutex admits one user at a time. A nested call in `f` deadlocks.
    ///
    /// # Context
    ///
    /// Process context. Sleeps.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the device is no longer bound, `EINTR` if the thread was killed while it waited
    /// for other users.
    pub fn with<C: MaySleep, R>(
        &self,
        cx: &mut C,
        f: impl for<'a, 'b> FnOnce(&'a F::Of<'b>, &mut C) -> R,
    ) -> Result<R> {
        let mut place = self.0.lock_killable(cx)?;
        let data = place.data().as_ref().ok_or(ENODEV)?;
        // SAFETY: Invariant of `Place`: the pointer is to valid data until the lock is released.
        // `f` is generic over both lifetimes, so the reference does not escape from it.
        Ok(f(unsafe { data.0.as_ref() }, cx))
    }
}

/// Ends a loan of [`BoundScope::lend`].
struct Revoke<F: ForLt + 'static>(Arc<Place<F>>);

impl<F: ForLt> Drop for Revoke<F> {
    fn drop(&mut self) {
        *self.0.lock().data() = None;
    }
}

/// A list of values of any types, which drops the last one first.
///
/// # Invariants
///
/// The pointer is to the head of a [`Node`] in memory of kmalloc, which only this list owns.
struct Users(Option<NonNull<Head>>);

struct Head {
    next: Users,
    /// Frees the node of this head.
    free: unsafe fn(NonNull<Head>),
}

#[pin_data]
#[repr(C)]
struct Node<U> {
    head: Head,
    #[pin]
    user: U,
}

// SAFETY: All values in the list may be dropped on any thread: interrupt lines, loans, the data of
// a misc device (`T::Data`) and a `Quiesce`, which are both `Send`.
unsafe impl Send for Users {}
// SAFETY: A shared list gives access to nothing.
unsafe impl Sync for Users {}

impl Users {
    fn push<U, C: MaySleep>(&mut self, cx: &C, user: impl PinInit<U, Error>) -> Result {
        let node = KBox::pin_init(
            cx,
            try_pin_init!(Node {
                head: Head {
                    next: Users(None),
                    free: free::<U>,
                },
                user <- user,
            }? Error),
        )?;
        // SAFETY: The value is not moved until it is dropped in its memory.
        let node = unsafe { Pin::into_inner_unchecked(node) }.leak();
        node.head.next = Users(self.0.take());
        // INVARIANT: The box owned the memory. A node begins with its head.
        self.0 = Some(NonNull::from(node).cast());
        Ok(())
    }
}

/// # Safety
///
/// `head` is that of a `Node<U>` that the caller owns, and is not used again.
unsafe fn free<U>(head: NonNull<Head>) {
    // SAFETY: `# Safety`: `head` is that of a `Node<U>` that the caller owns. `push` leaked its
    // box.
    drop(unsafe { KBox::from_raw(head.cast::<Node<U>>().as_ptr()) });
}

impl Drop for Users {
    fn drop(&mut self) {
        let mut rest = self.0.take();
        while let Some(head) = rest {
            // SAFETY: Invariant of `Users`: `head` is that of a node that the list owned.
            rest = unsafe { (*head.as_ptr()).next.0.take() };
            // SAFETY: Invariant of `Users`: `head` is that of a node that the list owned. The rest
            // of the list was taken out of the node.
            unsafe { ((*head.as_ptr()).free)(head) };
        }
    }
}

/// The driver data of a bound device, as the driver core keeps it.
#[pin_data]
pub(crate) struct Bound<D> {
    // Dropped before the data, which the users borrow.
    _users: Users,
    // Dropped after the users.
    _at_end: Users,
    #[pin]
    data: D,
}

impl<D> Bound<D> {
    /// An initialiser of the data, and then of the users that `bound` starts.
    ///
    /// # Safety
    ///
    /// The initialiser runs in process context. `data` has the only token there and does not keep
    /// it. The result is dropped in process context.
    pub(crate) unsafe fn new(
        dev: &Device,
        data: impl PinInit<D, Error>,
        bound: impl for<'d> FnOnce(Pin<&'d D>, &mut BoundScope<'d>, &mut TaskCx) -> Result,
    ) -> impl PinInit<Self, Error> {
        // CAST: `Device` is transparent over `struct device`.
        let dev = core::ptr::from_ref(dev).cast_mut().cast();
        try_pin_init!(&this in Self {
            data <- data,
            _at_end: Users(None),
            _users: {
                // SAFETY: `data` was initialised above.
                let data = unsafe { &(*this.as_ptr()).data };
                // SAFETY: The data is not moved until it is dropped.
                let data = unsafe { Pin::new_unchecked(data) };
                let mut binding = BoundScope {
                    users: Users(None),
                    at_end: Users(None),
                    dev,
                    _data: PhantomData,
                };
                // SAFETY: `# Safety`: this is process context, and the token of `data` has ended.
                bound(data, &mut binding, &mut unsafe { TaskCx::assume() })?;
                *_at_end = binding.at_end;
                binding.users
            },
        })
    }

    /// The driver's data.
    pub(crate) fn data(self: Pin<&Self>) -> Pin<&D> {
        // SAFETY: `data` is structurally pinned.
        unsafe { self.map_unchecked(|bound| &bound.data) }
    }
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
                id_info: Option<&'bound Self::IdInfo>,
            ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
                let data = move |slot| {
                    // SAFETY: The driver core calls probe in process context, and this is the only
                    // token there.
                    let mut task = unsafe { TaskCx::assume() };
                    // SAFETY: This closure is the body of an initialiser, so `slot` is valid, and
                    // is pinned if it is initialised.
                    unsafe { pin_init::raw_try_init(slot, T::probe(dev, id_info, &mut task)) }
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
