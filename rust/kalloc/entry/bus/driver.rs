// SPDX-License-Identifier: GPL-2.0

//! Drivers of every bus: what [`platform`](crate::platform), [`pci`](crate::pci) and the others
//! share.
//!
//! C header: [`include/linux/device/driver.h`](srctree/include/linux/device/driver.h)
//!
//! Each bus has a trait `Driver` that is the kernel crate's with a token at the end of each
//! signature, and a `Registration` that hands the driver to the kernel. The driver core calls
//! probe and unbind in process context, on every kernel, with the device's mutex held.
//!
//! A driver registers through [`module_platform_driver!`](crate::module_platform_driver!) and its
//! like, or, if its module has more to do, through the `drivers` of
//! [`module!`](crate::module!).

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

/// The drivers of a module: `(First, (Second, ()))`, each a `Registration` of a bus.
#[doc(hidden)]
pub trait Drivers: sealed::Drivers {}

pub(crate) mod sealed {
    use super::*;

    /// Not for a driver to implement.
    pub trait Drivers {
        /// They are registered until this is dropped, which unregisters the last first.
        type Registered: Send + Sync;

        /// Registers them, in this order, each under its name, or that of the module.
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
            // SAFETY: By the contract of this function.
            first <- unsafe { First::register(name.unwrap_or(own), module) },
            // SAFETY: By the contract of this function.
            second <- unsafe { Rest::register(rest, own, module) },
        })
    }
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

/// A device that is being bound, and what uses the driver's data of it from then on.
///
/// A driver gets it in `Driver::start` of its bus, after probe has made the data: it
/// [requests interrupt lines](BoundScope::request_irq), and [lends](BoundScope::lend) the data to code that
/// may outlive it. When the device is unbound the bus ends all of that, after `unbind` and before it
/// drops the data. So whatever is started here borrows the data, without a count, and there is
/// nothing that a driver could forget.
///
/// # Invariants
///
/// `users`, and after it `at_end`, is dropped before `'d` ends, in process context. `dev` is the device,
/// which is bound until then.
pub struct BoundScope<'d> {
    users: Users,
    /// What is asked when no user is left.
    at_end: Users,
    dev: *mut bindings::device,
    // Exactly the lifetime of the data: with one that could be shortened, users could borrow less.
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

    /// Asks `quiesce` at the end of the binding, when `unbind` has returned and all that was started here
    /// has ended, and before the data is dropped, whether the device is idle: about all memory ([`MappedRange::is_all`](crate::dma::MappedRange::is_all)),
    /// and if it says no about each piece that was dropped while the device might use it. What is idle
    /// is freed, the rest is lost, and the log says so.
    ///
    /// A PCI device needs none: kalloc turns off its bus mastering. `unbind` stops the device before.
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
    /// `EINVAL` where `quiesce` is of another device than the one that is being bound; `ENOMEM`. It is
    /// asked nothing then.
    pub fn quiesce<C: MaySleep, Q: Quiesce + Send + 'd>(&mut self, cx: &C, quiesce: Q) -> Result {
        // SAFETY: By the invariant, as `at_end` has it.
        let at_end = unsafe { AtEnd::new(quiesce, self.dev) };
        self.at_end.push(cx, at_end)
    }

    /// Lends the data to code that may outlive it: an open file, a work item.
    ///
    /// `F` is the type of the data with its lifetimes left open, as [`ForLt!`](kernel::types::ForLt!)
    /// makes it. Unbinding waits for those that use it at the moment; who comes later gets an error.
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

/// A driver's data of a device, for as long as the device is bound: made by [`BoundScope::lend`].
pub struct Loan<F: ForLt + 'static>(DropOrLeak<Arc<Place<F>>>);

/// Where the data of a loan is found. Not the kernel crate's `Mutex`, for which nobody can wait
/// killably.
///
/// # Invariants
///
/// `lock` is an initialised mutex, with which `data` is used. While there is a pointer it is to data
/// of the type that `F` stands for, shared.
#[pin_data]
struct Place<F: ForLt + 'static> {
    #[pin]
    lock: Opaque<bindings::mutex>,
    data: UnsafeCell<Option<Data<F>>>,
}

// SAFETY: A mutex that nobody holds belongs to no thread, and neither does the data.
unsafe impl<F: ForLt> Send for Place<F> {}
// SAFETY: What it has is used with the lock held.
unsafe impl<F: ForLt> Sync for Place<F> {}

impl<F: ForLt> Place<F> {
    fn new(data: Data<F>) -> impl PinInit<Self> {
        let (name, class) = (c"kalloc::driver::Loan", static_lock_class!());
        pin_init!(Self {
            // SAFETY: The place is valid and pinned, and name and class are static.
            lock <- Opaque::ffi_init(|lock| unsafe {
                bindings::__mutex_init(lock, name.as_char_ptr(), class.as_ptr())
            }),
            data: UnsafeCell::new(Some(data)),
        })
    }

    /// Wraps `mutex_lock()`.
    fn lock(&self) -> Locked<'_, F> {
        // SAFETY: By the invariant. What has a `Revoke` or a token that sleeps may.
        unsafe { bindings::mutex_lock(self.lock.get()) };
        // INVARIANT: Just taken.
        Locked(self)
    }

    /// Wraps `mutex_lock_killable()`: `EINTR` where the thread was killed meanwhile.
    fn lock_killable<C: MaySleep>(&self, _cx: &C) -> Result<Locked<'_, F>> {
        // SAFETY: By the invariant. It sleeps, which the caller may.
        to_result(unsafe { kalloc_helper_mutex_lock_killable(self.lock.get()) })?;
        // INVARIANT: Just taken.
        Ok(Locked(self))
    }
}

/// # Invariants
///
/// This thread holds the lock of the place, and gives it up when this is dropped.
struct Locked<'a, F: ForLt + 'static>(&'a Place<F>);

impl<F: ForLt> Locked<'_, F> {
    fn data(&mut self) -> &mut Option<Data<F>> {
        // SAFETY: By the invariant nobody else uses it, and this is borrowed exclusively.
        unsafe { &mut *self.0.data.get() }
    }
}

impl<F: ForLt> Drop for Locked<'_, F> {
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        unsafe { bindings::mutex_unlock(self.0.lock.get()) }
    }
}

struct Data<F: ForLt + 'static>(NonNull<F::Of<'static>>);

// SAFETY: `lend` took a shared reference to what is `Sync`.
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
    /// Runs `f` with the data, and keeps it from being dropped meanwhile. One at a time, by a mutex,
    /// wraps `mutex_lock_killable()`: `f` must not do so again.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the device is not bound any more; `EINTR` when the thread was killed while it
    /// waited for others that use the data.
    pub fn with<C: MaySleep, R>(
        &self,
        cx: &mut C,
        f: impl for<'a, 'b> FnOnce(&'a F::Of<'b>, &mut C) -> R,
    ) -> Result<R> {
        let mut place = self.0.lock_killable(cx)?;
        let data = place.data().as_ref().ok_or(ENODEV)?;
        // SAFETY: By the invariant; it stays until the lock is released. `f` cannot tell one
        // lifetime from another, and so does not extend the one that the data really has.
        Ok(f(unsafe { data.0.as_ref() }, cx))
    }
}

/// Ends what [`BoundScope::lend`] has begun.
struct Revoke<F: ForLt + 'static>(Arc<Place<F>>);

impl<F: ForLt> Drop for Revoke<F> {
    fn drop(&mut self) {
        *self.0.lock().data() = None;
    }
}

/// Values of any types, each dropped when this is, the last first.
///
/// # Invariants
///
/// It points to the head of a [`Node`] in memory of kmalloc, which nobody else owns.
struct Users(Option<NonNull<Head>>);

struct Head {
    next: Users,
    /// Frees the node that this is the head of.
    free: unsafe fn(NonNull<Head>),
}

#[pin_data]
#[repr(C)]
struct Node<U> {
    head: Head,
    #[pin]
    user: U,
}

// SAFETY: What is kept may be dropped on any thread: interrupt lines, places of data, the data of a misc
// device (`T::Data`) and a `Quiesce`, which both are `Send`.
unsafe impl Send for Users {}
// SAFETY: Shared it gives nothing.
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
        // SAFETY: The value is not moved out of the memory until it is dropped there.
        let node = unsafe { Pin::into_inner_unchecked(node) }.leak();
        node.head.next = Users(self.0.take());
        // INVARIANT: The box was the memory's owner. It begins with the head.
        self.0 = Some(NonNull::from(node).cast());
        Ok(())
    }
}

/// # Safety
///
/// `head` is that of a `Node<U>` that nobody owns any more.
unsafe fn free<U>(head: NonNull<Head>) {
    // SAFETY: By the contract of this function it is a box that has been leaked.
    drop(unsafe { KBox::from_raw(head.cast::<Node<U>>().as_ptr()) });
}

impl Drop for Users {
    fn drop(&mut self) {
        let mut rest = self.0.take();
        while let Some(head) = rest {
            // SAFETY: By the invariant.
            rest = unsafe { (*head.as_ptr()).next.0.take() };
            // SAFETY: By the invariant, and the rest is not reached through it any more.
            unsafe { ((*head.as_ptr()).free)(head) };
        }
    }
}

/// What the driver core keeps of a device that is bound.
#[pin_data]
pub(crate) struct Bound<D> {
    // Dropped before the data, which it uses.
    _users: Users,
    // Asked when these have ended.
    _at_end: Users,
    #[pin]
    data: D,
}

impl<D> Bound<D> {
    /// The data, and then what `bound` starts with it.
    ///
    /// # Safety
    ///
    /// The initialiser runs in process context, where `data` has the only token and does not keep
    /// it, and its result is dropped there.
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
                // SAFETY: It was initialised above.
                let data = unsafe { &(*this.as_ptr()).data };
                // SAFETY: It stays where it is until it is dropped.
                let data = unsafe { Pin::new_unchecked(data) };
                let mut binding = BoundScope {
                    users: Users(None),
                    at_end: Users(None),
                    dev,
                    _data: PhantomData,
                };
                // SAFETY: By the contract of this function.
                bound(data, &mut binding, &mut unsafe { TaskCx::assume() })?;
                *_at_end = binding.at_end;
                binding.users
            },
        })
    }

    /// The driver's data.
    pub(crate) fn data(self: Pin<&Self>) -> Pin<&D> {
        // SAFETY: It is pinned with the rest.
        unsafe { self.map_unchecked(|bound| &bound.data) }
    }
}

/// Makes `Registration` for the `Driver` of a bus.
///
/// What the kernel calls is in a type that only this crate can name: with it a driver could call
/// its own probe where it must not sleep, and be given a [`TaskCx`](crate::context::TaskCx).
macro_rules! registration {
    ($bus:ident: $($callbacks:tt)*) => {
        /// A driver that the kernel knows, for [`module!`](crate::module!). Unregistered when it is
        /// dropped.
        #[pin_data]
        pub struct Registration<T: Driver + 'static> {
            #[pin]
            inner: kernel::driver::Registration<kernel::$bus::Adapter<KernelDriver<T>>>,
        }

        impl<T: Driver> crate::ground::sealed::Sealed for Registration<T> {}
        impl<T: Driver> crate::entry::bus::driver::Register for Registration<T> {
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
            type Data<'bound> = crate::entry::bus::driver::Bound<T::Data<'bound>>;

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
