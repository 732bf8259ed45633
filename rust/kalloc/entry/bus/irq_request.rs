// SPDX-License-Identifier: GPL-2.0

//! Handlers of interrupts, with the token of the context that their flags make.

use crate::{
    contexts::{
        tokens::{
            IrqCx,
            RawCx,
            TaskCx, //
        },
        traits::{
            MaySleep,
            Token, //
        },
    },
    entry::bus::driver::BoundScope, //
};
use core::{
    fmt,
    marker::PhantomData, //
};
use kernel::{
    bindings,
    error::{
        code::EINVAL,
        Result, //
    },
    irq,
    str::CStr, //
};

#[doc(no_inline)]
pub use kernel::irq::{
    IrqRequest,
    IrqReturn,
    ThreadedIrqReturn, //
};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Threadable {}
    impl Sealed for super::Hard {}
}

/// Where a handler runs: [`Threadable`] or [`Hard`].
pub trait Kind: sealed::Sealed + Send + Sync + 'static {
    /// The token that the handler gets.
    type Context<'a>: Token;

    #[doc(hidden)]
    const HARD: bool;

    /// # Safety
    ///
    /// A handler of this kind runs, and no other token is in reach.
    #[doc(hidden)]
    unsafe fn enter<'a>() -> Self::Context<'a>;
}

/// In a hard interrupt; on `CONFIG_PREEMPT_RT`, and with `threadirqs`, in a thread: [`IrqCx`].
#[derive(Debug)]
pub enum Threadable {}

/// In a hard interrupt on every kernel: [`RawCx`].
#[derive(Debug)]
pub enum Hard {}

impl Kind for Threadable {
    type Context<'a> = IrqCx<'a>;
    const HARD: bool = false;

    #[inline(always)]
    unsafe fn enter<'a>() -> IrqCx<'a> {
        // SAFETY: By the contract of this function.
        unsafe { IrqCx::assume() }
    }
}

impl Kind for Hard {
    type Context<'a> = RawCx<'a>;
    const HARD: bool = true;

    #[inline(always)]
    unsafe fn enter<'a>() -> RawCx<'a> {
        // SAFETY: By the contract of this function.
        unsafe { RawCx::assume() }
    }
}

/// The line keeps the trigger that it is configured for.
#[derive(Debug)]
pub enum AsConfigured {}
/// The flags say what triggers the line.
#[derive(Debug)]
pub enum Triggered {}

/// The line is enabled again when the hard handler returns.
#[derive(Debug)]
pub enum Reenabled {}
/// The line stays disabled until the handler's thread has run: `IRQF_ONESHOT`.
#[derive(Debug)]
pub enum Oneshot {}

/// `IRQF_*` flags. What decides where the handler runs, and what may not be combined, is in the
/// type.
///
/// ```
/// use kalloc::irq::{Flags, Hard};
///
/// // A handler gets `IrqCx`.
/// let _line: Flags = Flags::new().shared();
/// // A handler gets `RawCx`.
/// let _hard: Flags<Hard> = Flags::new().shared().no_thread();
/// ```
pub struct Flags<K = Threadable, T = AsConfigured, O = Reenabled>(
    irq::Flags,
    PhantomData<(K, T, O)>,
);

impl<K, T, O> Clone for Flags<K, T, O> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, T, O> Copy for Flags<K, T, O> {}

impl<K, T, O> fmt::Debug for Flags<K, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flags")
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self::new()
    }
}

impl Flags {
    /// No flags: a line of the device's own, as it is configured.
    pub const fn new() -> Self {
        Self(irq::Flags::TRIGGER_NONE, PhantomData)
    }
}

impl<K, T, O> Flags<K, T, O> {
    #[inline]
    fn or<K2, T2, O2>(self, flags: irq::Flags) -> Flags<K2, T2, O2> {
        Flags(self.0 | flags, PhantomData)
    }

    /// Other devices may have the line too, `IRQF_SHARED`.
    #[inline]
    pub fn shared(self) -> Self {
        self.or(irq::Flags::SHARED)
    }

    /// Not moved to another CPU by balancing, `IRQF_NOBALANCING`.
    #[inline]
    pub fn nobalancing(self) -> Self {
        self.or(irq::Flags::NOBALANCING)
    }

    /// Not disabled while the system suspends, `IRQF_NO_SUSPEND`.
    #[inline]
    pub fn no_suspend(self) -> Self {
        self.or(irq::Flags::NO_SUSPEND)
    }

    /// Never threaded, `IRQF_NO_THREAD`: the handler gets [`RawCx`].
    #[inline]
    pub fn no_thread(self) -> Flags<Hard, T, O> {
        self.or(irq::Flags::NO_THREAD)
    }

    /// One interrupt of each CPU, `IRQF_PERCPU`: the handler gets [`RawCx`].
    #[inline]
    pub fn percpu(self) -> Flags<Hard, T, O> {
        self.or(irq::Flags::PERCPU)
    }
}

impl<K, T> Flags<K, T, Reenabled> {
    /// The line stays disabled until the handler's thread has run, `IRQF_ONESHOT`. For
    /// [`BoundScope::request_threaded_irq`] alone, and its hard handler gets [`RawCx`]: the kernel does not
    /// thread it.
    #[inline]
    pub fn oneshot(self) -> Flags<Hard, T, Oneshot> {
        self.or(irq::Flags::ONESHOT)
    }
}

macro_rules! triggers {
    ($($name:ident: $($flag:ident)|*, $doc:literal;)*) => {
        impl<K, O> Flags<K, AsConfigured, O> {$(
            #[doc = $doc]
            #[inline]
            pub fn $name(self) -> Flags<K, Triggered, O> {
                self$(.or::<K, Triggered, O>(irq::Flags::$flag))*
            }
        )*}
    };
}

triggers! {
    rising: TRIGGER_RISING, "Triggered from low to high, `IRQF_TRIGGER_RISING`.";
    falling: TRIGGER_FALLING, "Triggered from high to low, `IRQF_TRIGGER_FALLING`.";
    high: TRIGGER_HIGH, "Triggered while high, `IRQF_TRIGGER_HIGH`.";
    low: TRIGGER_LOW, "Triggered while low, `IRQF_TRIGGER_LOW`.";
}

/// The handler of a line that is requested with flags of kind `K`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle interrupts that are `{K}`",
    label = "requested with flags whose handler runs elsewhere",
    note = "after `.no_thread()` and `.percpu()` implement `irq::Handler<Hard>`, whose handler gets `RawCx`; otherwise \
            `irq::Handler`, whose handler gets `IrqCx`"
)]
pub trait Handler<K: Kind = Threadable>: Sync {
    /// Runs when the interrupt has come, and on a shared line when that of another device has.
    fn handle(&self, cx: &mut K::Context<'_>) -> IrqReturn;
}

/// The handler of a line that is requested with flags of kind `K`, with a thread.
///
/// On `CONFIG_PREEMPT_RT` the kernel threads both halves, in threads of their own, unless the flags
/// keep the hard one hard: then it is [`Hard`], also with [`Flags::oneshot`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle interrupts that are `{K}` in a thread",
    label = "requested with flags whose hard handler runs elsewhere",
    note = "after `.oneshot()`, `.no_thread()` and `.percpu()` implement `irq::ThreadedHandler<Hard>`, whose hard handler \
            gets `RawCx`; otherwise `irq::ThreadedHandler`, whose hard handler gets `IrqCx`"
)]
pub trait ThreadedHandler<K: Kind = Threadable>: Sync {
    /// Runs when the interrupt has come. Wakes the thread, unless the driver does more.
    fn handle(&self, _cx: &mut K::Context<'_>) -> ThreadedIrqReturn {
        ThreadedIrqReturn::WakeThread
    }

    /// Runs in a thread of the line when [`ThreadedHandler::handle`] has woken it.
    fn handle_threaded(&self, task: &mut TaskCx) -> IrqReturn;
}

/// The kernel crate's handler that hands over the token.
struct Adapter<'d, T, K>(&'d T, PhantomData<K>);

impl<T: Handler<K>, K: Kind> irq::Handler for Adapter<'_, T, K> {
    #[inline]
    fn handle(&self) -> IrqReturn {
        // SAFETY: Flags of this kind were requested, and no other token is in reach.
        self.0.handle(&mut unsafe { K::enter() })
    }
}

/// As [`Adapter`], with a thread.
struct ThreadedAdapter<'d, T, K>(&'d T, PhantomData<K>);

impl<T: ThreadedHandler<K>, K: Kind> irq::ThreadedHandler for ThreadedAdapter<'_, T, K> {
    #[inline]
    fn handle(&self) -> ThreadedIrqReturn {
        // SAFETY: Flags of this kind were requested, and no other token is in reach.
        self.0.handle(&mut unsafe { K::enter() })
    }

    #[inline]
    fn handle_threaded(&self) -> IrqReturn {
        // SAFETY: The kernel calls this in a thread of the line, and no other token is in reach.
        self.0.handle_threaded(&mut unsafe { TaskCx::assume() })
    }
}

impl<'d> BoundScope<'d> {
    /// Requests a line, wraps `request_irq()`. The handler may run before this returns.
    ///
    /// ```
    /// use kalloc::{driver::BoundScope, irq, prelude::*};
    ///
    /// struct Card;
    ///
    /// impl irq::Handler for Card {
    ///     fn handle(&self, cx: &mut IrqCx<'_>) -> irq::IrqReturn {
    ///         // GFP_ATOMIC
    ///         match KBox::new(&cx, [0u8; 64]) {
    ///             Ok(_) => irq::IrqReturn::Handled,
    ///             Err(_) => irq::IrqReturn::None,
    ///         }
    ///     }
    /// }
    ///
    /// fn request<'d>(
    ///     card: &'d Card,
    ///     line: irq::IrqRequest<'d>,
    ///     binding: &mut BoundScope<'d>,
    ///     task: &mut TaskCx,
    /// ) -> Result {
    ///     binding.request_irq(&task, line, irq::Flags::new().shared(), c"card", card)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `EBUSY` where others have the line and do not share it; `ENOMEM`; `EINVAL`, which on
    /// `CONFIG_PREEMPT_RT` is also a line that the kernel never threads (`IRQ_NOTHREAD`), for which
    /// there is [`Flags::no_thread`]; and what else `request_irq()` returns.
    pub fn request_irq<C, K, T, H>(
        &mut self,
        cx: &C,
        line: impl Into<IrqRequest<'d>>,
        flags: Flags<K, T, Reenabled>,
        name: &'static CStr,
        handler: &'d H,
    ) -> Result
    where
        C: MaySleep,
        K: Kind,
        H: Handler<K>,
    {
        let line = line.into();
        runs_there::<K>(&line)?;
        // SAFETY: It is kept by the binding, which drops it before `'d` ends.
        let registration = unsafe {
            irq::Registration::new(
                line,
                flags.0,
                name,
                Ok(Adapter::<H, K>(handler, PhantomData)),
            )
        };
        self.until_unbind(cx, registration)
    }

    /// Requests a line with a thread, wraps `request_threaded_irq()`. The handler may run before
    /// this returns.
    ///
    /// # Errors
    ///
    /// As [`BoundScope::request_irq`].
    pub fn request_threaded_irq<C, K, T, O, H>(
        &mut self,
        cx: &C,
        line: impl Into<IrqRequest<'d>>,
        flags: Flags<K, T, O>,
        name: &'static CStr,
        handler: &'d H,
    ) -> Result
    where
        C: MaySleep,
        K: Kind,
        H: ThreadedHandler<K>,
    {
        let line = line.into();
        runs_there::<K>(&line)?;
        // SAFETY: As in `request_irq`.
        let registration = unsafe {
            irq::ThreadedRegistration::new(
                line,
                flags.0,
                name,
                Ok(ThreadedAdapter::<H, K>(handler, PhantomData)),
            )
        };
        self.until_unbind(cx, registration)
    }
}

/// The kernel threads a handler that it may thread, unless the line forbids it: on PREEMPT_RT the
/// handler's token would not be true.
fn runs_there<K: Kind>(line: &IrqRequest<'_>) -> Result {
    if cfg!(CONFIG_PREEMPT_RT) && !K::HARD {
        // SAFETY: It has no preconditions.
        if unsafe { bindings::irq_check_status_bit(line.irq(), bindings::IRQ_NOTHREAD) } {
            return Err(EINVAL);
        }
    }
    Ok(())
}
