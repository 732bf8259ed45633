// SPDX-License-Identifier: GPL-2.0

//! Interrupt handlers, with the token of the context that the flags of the line select.
//!
//! C header: [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)

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
    entry::bus::driver::BoundScope,
    series, //
};
use core::{
    fmt,
    marker::PhantomData, //
};
use kernel::{
    bindings,
    error::{
        code::EINVAL,
        Error,
        Result, //
    },
    irq,
    prelude::PinInit,
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

/// The context in which a handler runs: [`Threadable`] or [`Hard`].
pub trait Kind: sealed::Sealed + Send + Sync + 'static {
    /// The token that the handler gets.
    type Context<'a>: Token;

    #[doc(hidden)]
    const HARD: bool;

    /// # Safety
    ///
    /// A handler of this kind runs, and the code can reach no other token.
    #[doc(hidden)]
    unsafe fn enter<'a>() -> Self::Context<'a>;
}

/// The handler runs in a hard interrupt, or, on `CONFIG_PREEMPT_RT` and with `threadirqs`, in a
/// thread: [`IrqCx`].
#[derive(Debug)]
pub enum Threadable {}

/// The handler runs in a hard interrupt on every kernel: [`RawCx`].
#[derive(Debug)]
pub enum Hard {}

impl Kind for Threadable {
    type Context<'a> = IrqCx<'a>;
    const HARD: bool = false;

    #[inline(always)]
    unsafe fn enter<'a>() -> IrqCx<'a> {
        // SAFETY: `# Safety`: a handler of this kind runs, without another token in reach.
        unsafe { IrqCx::assume() }
    }
}

impl Kind for Hard {
    type Context<'a> = RawCx<'a>;
    const HARD: bool = true;

    #[inline(always)]
    unsafe fn enter<'a>() -> RawCx<'a> {
        // SAFETY: `# Safety`: a handler of this kind runs, without another token in reach.
        unsafe { RawCx::assume() }
    }
}

/// The line keeps its configured trigger.
#[derive(Debug)]
pub enum AsConfigured {}
/// The flags set the trigger of the line.
#[derive(Debug)]
pub enum Triggered {}

/// The line is enabled again when the hard handler returns.
#[derive(Debug)]
pub enum Reenabled {}
/// The line stays disabled until the handler's thread has run: `IRQF_ONESHOT`.
#[derive(Debug)]
pub enum Oneshot {}

/// `IRQF_*` flags. The type records the flags that select the handler's context, and those that
/// cannot be combined.
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
    /// No flags: a line that is not shared, with its configured trigger.
    pub const fn new() -> Self {
        Self(irq::Flags::TRIGGER_NONE, PhantomData)
    }
}

impl<K, T, O> Flags<K, T, O> {
    #[inline]
    fn or<K2, T2, O2>(self, flags: irq::Flags) -> Flags<K2, T2, O2> {
        Flags(self.0 | flags, PhantomData)
    }

    /// The line may be shared with other devices, `IRQF_SHARED`.
    #[inline]
    pub fn shared(self) -> Self {
        self.or(irq::Flags::SHARED)
    }

    /// The line is excluded from interrupt balancing, `IRQF_NOBALANCING`.
    #[inline]
    pub fn nobalancing(self) -> Self {
        self.or(irq::Flags::NOBALANCING)
    }

    /// The line stays enabled during suspend, `IRQF_NO_SUSPEND`.
    #[inline]
    pub fn no_suspend(self) -> Self {
        self.or(irq::Flags::NO_SUSPEND)
    }

    /// The handler is never threaded, `IRQF_NO_THREAD`, and gets [`RawCx`].
    #[inline]
    pub fn no_thread(self) -> Flags<Hard, T, O> {
        self.or(irq::Flags::NO_THREAD)
    }

    /// The interrupt is per CPU, `IRQF_PERCPU`. The handler gets [`RawCx`].
    #[inline]
    pub fn percpu(self) -> Flags<Hard, T, O> {
        self.or(irq::Flags::PERCPU)
    }
}

impl<K, T> Flags<K, T, Reenabled> {
    /// The line stays disabled until the handler's thread has run, `IRQF_ONESHOT`. Only for
    /// [`BoundScope::request_threaded_irq`]. The kernel does not thread the hard handler, which
    /// gets [`RawCx`].
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
    /// Handles an interrupt. On a shared line it also runs for interrupts of other devices.
    fn handle(&self, cx: &mut K::Context<'_>) -> IrqReturn;
}

/// The handler of a line that is requested with flags of kind `K`, with a thread.
///
/// On `CONFIG_PREEMPT_RT` the kernel runs both handlers in threads, one each, unless the flags
/// forbid threading the hard handler. Its kind is [`Hard`] then, also with [`Flags::oneshot`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle interrupts that are `{K}` in a thread",
    label = "requested with flags whose hard handler runs elsewhere",
    note = "after `.oneshot()`, `.no_thread()` and `.percpu()` implement `irq::ThreadedHandler<Hard>`, whose hard handler \
            gets `RawCx`; otherwise `irq::ThreadedHandler`, whose hard handler gets `IrqCx`"
)]
pub trait ThreadedHandler<K: Kind = Threadable>: Sync {
    /// Handles an interrupt. By default it only wakes the thread.
    fn handle(&self, _cx: &mut K::Context<'_>) -> ThreadedIrqReturn {
        ThreadedIrqReturn::WakeThread
    }

    /// Runs in the thread of the line after [`ThreadedHandler::handle`] has woken it.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    fn handle_threaded(&self, task: &mut TaskCx) -> IrqReturn;
}

/// A handler of the kernel crate that passes the token on.
struct Adapter<'d, T, K>(&'d T, PhantomData<K>);

impl<T: Handler<K>, K: Kind> series::HardHandler for Adapter<'_, T, K> {
    #[inline]
    fn handle(&self) -> IrqReturn {
        // SAFETY: The line was requested with flags of this kind. The handler can reach no other
        // token.
        self.0.handle(&mut unsafe { K::enter() })
    }
}

/// As [`Adapter`], with a thread.
struct ThreadedAdapter<'d, T, K>(&'d T, PhantomData<K>);

impl<T: ThreadedHandler<K>, K: Kind> series::HandlerWithThread for ThreadedAdapter<'_, T, K> {
    #[inline]
    fn handle(&self) -> ThreadedIrqReturn {
        // SAFETY: The line was requested with flags of this kind. The handler can reach no other
        // token.
        self.0.handle(&mut unsafe { K::enter() })
    }

    #[inline]
    fn handle_threaded(&self) -> IrqReturn {
        // SAFETY: The kernel calls this function in a thread of the line. The handler can reach no
        // other token.
        self.0.handle_threaded(&mut unsafe { TaskCx::assume() })
    }
}

impl<'d> BoundScope<'d> {
    /// Requests a line; wraps `request_irq()`. The handler may run before the call returns.
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
    /// # Context
    ///
    /// Process context. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the line is in use and not shared, `ENOMEM` if memory is short, and other errors
    /// of `request_irq()`. On `CONFIG_PREEMPT_RT` also `EINVAL` for a line that the kernel never
    /// threads (`IRQ_NOTHREAD`): use [`Flags::no_thread`] for it.
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
        let handler = Adapter::<H, K>(handler, PhantomData);
        self.register::<K, _, _, _>(cx, line.into(), |line| {
            // SAFETY: The binding owns the registration, and drops it before `'d` ends.
            unsafe { series::request_irq(line, flags.0, name, handler) }
        })
    }

    /// Requests a line with a thread; wraps `request_threaded_irq()`. The handler may run before
    /// the call returns.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
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
        let handler = ThreadedAdapter::<H, K>(handler, PhantomData);
        self.register::<K, _, _, _>(cx, line.into(), |line| {
            // SAFETY: The binding owns the registration, and drops it before `'d` ends.
            unsafe { series::request_threaded_irq(line, flags.0, name, handler) }
        })
    }

    /// Registers a handler of kind `K`, if it will run in the context of its token. On PREEMPT_RT
    /// the kernel threads handlers, but not those of lines with `IRQ_NOTHREAD`.
    #[inline]
    fn register<K: Kind, C: MaySleep, R: 'd, I: PinInit<R, Error>>(
        &mut self,
        cx: &C,
        line: IrqRequest<'d>,
        registration: impl FnOnce(IrqRequest<'d>) -> I,
    ) -> Result {
        if cfg!(CONFIG_PREEMPT_RT) && !K::HARD {
            // SAFETY: The call has no preconditions.
            if unsafe { bindings::irq_check_status_bit(line.irq(), bindings::IRQ_NOTHREAD) } {
                return Err(EINVAL);
            }
        }
        self.until_unbind(cx, registration(line))
    }
}
