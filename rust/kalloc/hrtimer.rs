// SPDX-License-Identifier: GPL-2.0

//! High-resolution timers. Their mode says where they expire.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)
//!
//! | mode | stock kernel | `CONFIG_PREEMPT_RT` | token |
//! | --- | --- | --- | --- |
//! | [`RelativeHardMode`], … | hard interrupt | hard interrupt | [`Raw`] |
//! | [`RelativeMode`], … | hard interrupt | softirq, a thread | [`Irq`] |
//! | [`RelativeSoftMode`], … | softirq | softirq, a thread | [`Bh`] |
//!
//! The timer itself is the kernel crate's, [`kernel::time::hrtimer`].

use crate::{
    context::{private::Token, Bh, Irq, Raw, Sleep},
    gfp::{ForKmalloc, Grant},
    reap::{self, Called, Owned},
    sync::RawSpinLockIrqBackend,
};
use core::{fmt, marker::PhantomData, pin::Pin};
use kernel::{
    bindings::{hrtimer, hrtimer_cancel, hrtimer_try_to_cancel},
    error::{Error, Result},
    impl_has_hr_timer,
    prelude::{pin_data, try_pin_init, PinInit},
    static_lock_class,
    sync::lock::Lock,
    time::{
        hrtimer::{
            HasHrTimer, HrTimer as KernelTimer, HrTimerCallback, HrTimerCallbackContext,
            HrTimerMode,
        },
        ClockSource, Delta,
    },
};

#[doc(no_inline)]
pub use kernel::time::hrtimer::{
    AbsoluteHardMode, AbsoluteMode, AbsolutePinnedHardMode, AbsolutePinnedMode,
    AbsolutePinnedSoftMode, AbsoluteSoftMode, HrTimerRestart, RelativeHardMode, RelativeMode,
    RelativePinnedHardMode, RelativePinnedMode, RelativePinnedSoftMode, RelativeSoftMode,
};

/// The modes of the kernel crate, and the context in which timers of each expire.
pub trait Mode: HrTimerMode + 'static {
    /// The token that [`Expire::expired`] gets.
    type Context<'a>: Token;

    /// # Safety
    ///
    /// A timer of this mode expires, and no other token is in reach.
    #[doc(hidden)]
    unsafe fn enter<'a>() -> Self::Context<'a>;
}

macro_rules! modes {
    ($($token:ident: $($mode:ident),*;)*) => {$($(
        impl<C: ClockSource + 'static> Mode for $mode<C> {
            type Context<'a> = $token<'a>;

            #[inline(always)]
            unsafe fn enter<'a>() -> Self::Context<'a> {
                // SAFETY: By the contract of this function: the kernel expires these there.
                unsafe { $token::assume() }
            }
        }
    )*)*};
}

modes! {
    Raw: AbsoluteHardMode, RelativeHardMode, AbsolutePinnedHardMode, RelativePinnedHardMode;
    Irq: AbsoluteMode, RelativeMode, AbsolutePinnedMode, RelativePinnedMode;
    Bh: AbsoluteSoftMode, RelativeSoftMode, AbsolutePinnedSoftMode, RelativePinnedSoftMode;
}

/// What an [`HrTimer`] of mode `M` does.
pub trait Expire<M: Mode>: Send + Sync + Sized + 'static {
    /// Runs when the timer has expired. To be started again it has to be forwarded, too.
    fn expired(&self, timer: &mut Expired<'_, Self, M>, cx: &mut M::Context<'_>) -> HrTimerRestart;
}

/// A timer, `struct hrtimer`, and what it does. Memory of kmalloc.
///
/// Dropping it is legal wherever the driver can have it, also in its own callback: the value is
/// dropped in process context, later, when the timer does not run.
///
/// ```
/// use kalloc::{hrtimer::{Expire, Expired, HrTimer, HrTimerRestart, RelativeSoftMode}, prelude::*};
/// use kernel::time::{Delta, Monotonic};
///
/// type Mode = RelativeSoftMode<Monotonic>;
///
/// struct Sampler;
///
/// impl Expire<Mode> for Sampler {
///     fn expired(&self, timer: &mut Expired<'_, Self, Mode>, cx: &mut Bh<'_>) -> HrTimerRestart {
///         // GFP_ATOMIC
///         let _sample = KBox::new(&cx, [0u32; 4]);
///         timer.forward_now(Delta::from_micros(500));
///         HrTimerRestart::Restart
///     }
/// }
///
/// fn sample(task: &Task) -> Result<HrTimer<Sampler, Mode>> {
///     let timer = HrTimer::new(task, Sampler)?;
///     timer.start(Delta::from_micros(500));
///     Ok(timer)
/// }
/// ```
pub struct HrTimer<T: Expire<M>, M: Mode>(Owned<Inner<T, M>>);

#[pin_data]
struct Inner<T: Expire<M>, M: Mode> {
    #[pin]
    timer: KernelTimer<Self>,
    /// Held where its time is changed: the kernel wants nobody to start it while it is forwarded.
    #[pin]
    lock: Lock<(), RawSpinLockIrqBackend>,
    #[pin]
    data: T,
    _mode: PhantomData<fn() -> M>,
}

impl_has_hr_timer! {
    impl{T: Expire<M>, M: Mode} HasHrTimer<Self> for Inner<T, M> {
        mode: M, field: self.timer
    }
}

impl<T: Expire<M>, M: Mode> HrTimerCallback for Inner<T, M> {
    type Pointer<'a> = Pin<&'a Self>;

    fn run(this: Pin<&Self>, timer: HrTimerCallbackContext<'_, Self>) -> HrTimerRestart {
        // SAFETY: The kernel calls this with a timer of an `Owned`, which lives until it has been waited
        // for.
        if unsafe { reap::is_closed(this.get_ref()) } {
            return HrTimerRestart::NoRestart;
        }
        // SAFETY: A timer of this mode expires, and no other token is in reach.
        let mut cx = unsafe { M::enter() };
        let inner = this.get_ref();
        inner.data.expired(&mut Expired { timer, inner }, &mut cx)
    }
}

impl<T: Expire<M>, M: Mode> Inner<T, M> {
    fn timer(&self) -> *mut hrtimer {
        // SAFETY: It is a reference.
        unsafe { Self::c_timer_ptr(self) }.cast_mut()
    }
}

// SAFETY: A cancelled timer is started by its owner alone, and neither runs nor is in a queue.
unsafe impl<T: Expire<M>, M: Mode> Called for Inner<T, M> {
    fn stop(&self) {
        // SAFETY: It was set up. One that runs is left to `wait`.
        unsafe { hrtimer_try_to_cancel(self.timer()) };
    }

    unsafe fn wait(&self) {
        // SAFETY: It was set up. It may wait by the contract of this function.
        unsafe { hrtimer_cancel(self.timer()) };
    }
}

impl<T: Expire<M>, M: Mode> HrTimer<T, M> {
    /// A timer that has not been started, wraps `hrtimer_setup()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `data` returns.
    pub fn new<G, E>(grant: G, data: impl PinInit<T, E>) -> Result<Self>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        Ok(Self(Owned::new(
            grant,
            try_pin_init!(Inner {
                timer <- KernelTimer::new(),
                lock <- Lock::new((), c"kalloc_hrtimer", static_lock_class!()),
                data <- data,
                _mode: PhantomData,
            }? Error),
        )?))
    }

    /// Lets it expire at, or after, the time that its mode takes, also when it was to expire at
    /// another, wraps `hrtimer_start()`.
    pub fn start(&self, expires: M::Expires) {
        let inner = self.0.get().get_ref();
        let _forwards_not = inner.lock.lock();
        // SAFETY: It lives until it has been cancelled.
        unsafe { Inner::start(inner, expires) }
    }

    /// Stops it unless it runs, wraps `hrtimer_try_to_cancel()`. Whether it was to expire; `None`
    /// when it runs.
    pub fn try_cancel(&self) -> Option<bool> {
        // SAFETY: It was set up.
        let cancelled = unsafe { hrtimer_try_to_cancel(self.0.get().timer()) };
        (cancelled >= 0).then_some(cancelled > 0)
    }

    /// Stops it and waits until it does not run, wraps `hrtimer_cancel()`. Whether it was to expire.
    pub fn cancel<C: Sleep>(&self, _cx: &C) -> bool {
        // SAFETY: It was set up. The caller may sleep, so it is not the callback.
        unsafe { hrtimer_cancel(self.0.get().timer()) != 0 }
    }

    /// What it does.
    pub fn data(&self) -> &T {
        &self.0.get().get_ref().data
    }

    /// Ends it at once, wraps `hrtimer_cancel()`.
    pub fn free<C: Sleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Expire<M>, M: Mode> fmt::Debug for HrTimer<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HrTimer")
    }
}

/// A timer that has expired, in its callback.
pub struct Expired<'a, T: Expire<M>, M: Mode> {
    timer: HrTimerCallbackContext<'a, Inner<T, M>>,
    inner: &'a Inner<T, M>,
}

impl<T: Expire<M>, M: Mode> Expired<'_, T, M> {
    /// Moves the time of expiry on by whole intervals until it is after now, wraps
    /// `hrtimer_forward_now()`. How many they were: 0 also where it has been started again since it
    /// expired, and so has a time.
    pub fn forward_now(&mut self, interval: Delta) -> u64 {
        let _starts_not = self.inner.lock.lock();
        // SAFETY: It is there. Nobody queues it meanwhile: it is in its callback, and the lock is held.
        if unsafe { (&raw const (*self.inner.timer()).is_queued).read_volatile() } {
            return 0;
        }
        self.timer.forward_now(interval)
    }
}

impl<T: Expire<M>, M: Mode> fmt::Debug for Expired<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expired")
    }
}
