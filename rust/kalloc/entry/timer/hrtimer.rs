// SPDX-License-Identifier: GPL-2.0

//! High-resolution timers. The mode determines the context in which a timer expires.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)
//!
//! The page [Interrupts, timers and NMIs](pages/interrupts.html) says more.
//!
//! | mode | stock kernel | `CONFIG_PREEMPT_RT` | token |
//! | --- | --- | --- | --- |
//! | [`RelativeHardMode`], … | hard interrupt | hard interrupt | [`RawCx`] |
//! | [`RelativeMode`], … | hard interrupt | softirq, a thread | [`IrqCx`] |
//! | [`RelativeSoftMode`], … | softirq | softirq, a thread | [`BhCx`] |
//!
//! The modes are the kernel crate's, [`kernel::time::hrtimer`].

use crate::{
    contexts::{
        grant::Grant,
        tokens::{
            BhCx,
            IrqCx,
            RawCx, //
        },
        traits::{
            MaySleep,
            Token, //
        },
    },
    entry::callbacks::{
        CallbackBox,
        KernelObject,
        ObjectKind, //
    },
    flags::allocators::ForKmalloc,
    sections::raw_spinlock::RawSpinLockIrqBackend, //
};
use core::{
    fmt,
    marker::PhantomData, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        hrtimer,
        hrtimer_cancel,
        hrtimer_try_to_cancel, //
    },
    error::{
        Error,
        Result, //
    },
    prelude::{
        pin_data,
        try_pin_init,
        PinInit, //
    },
    static_lock_class,
    sync::lock::Lock,
    time::{
        hrtimer::{
            HrTimerExpires,
            HrTimerMode, //
        },
        ClockSource,
        Delta, //
    },
};

#[doc(no_inline)]
pub use kernel::time::hrtimer::{
    AbsoluteHardMode,
    AbsoluteMode,
    AbsolutePinnedHardMode,
    AbsolutePinnedMode,
    AbsolutePinnedSoftMode,
    AbsoluteSoftMode,
    HrTimerRestart,
    RelativeHardMode,
    RelativeMode,
    RelativePinnedHardMode,
    RelativePinnedMode,
    RelativePinnedSoftMode,
    RelativeSoftMode, //
};

/// The modes of the kernel crate, each with the context in which its timers expire.
pub trait Mode: HrTimerMode + 'static {
    /// The token that [`Expire::expired`] gets.
    type Context<'a>: Token;

    /// # Safety
    ///
    /// A timer of this mode expires, and the code can reach no other token.
    #[doc(hidden)]
    unsafe fn enter<'a>() -> Self::Context<'a>;
}

macro_rules! modes {
    ($($token:ident: $($mode:ident),*;)*) => {$($(
        impl<C: ClockSource + 'static> Mode for $mode<C> {
            type Context<'a> = $token<'a>;

            #[inline(always)]
            unsafe fn enter<'a>() -> Self::Context<'a> {
                // SAFETY: `# Safety`: a timer of this mode expires. The kernel runs these modes in
                // that context.
                unsafe { $token::assume() }
            }
        }
    )*)*};
}

modes! {
    RawCx: AbsoluteHardMode, RelativeHardMode, AbsolutePinnedHardMode, RelativePinnedHardMode;
    IrqCx: AbsoluteMode, RelativeMode, AbsolutePinnedMode, RelativePinnedMode;
    BhCx: AbsoluteSoftMode, RelativeSoftMode, AbsolutePinnedSoftMode, RelativePinnedSoftMode;
}

/// The callback of an [`HrTimer`] of mode `M`.
pub trait Expire<M: Mode>: Send + Sync + Sized + 'static {
    /// Runs when the timer expires. To restart the timer the callback must also forward it.
    fn expired(&self, timer: &mut Expired<'_, Self, M>, cx: &mut M::Context<'_>) -> HrTimerRestart;
}

/// A timer, `struct hrtimer`, with its callback, in memory of kmalloc.
///
/// It may be dropped wherever a driver can own it, also in its own callback. The value is dropped
/// later, in process context, when the callback does not run.
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
///     fn expired(&self, timer: &mut Expired<'_, Self, Mode>, cx: &mut BhCx<'_>) -> HrTimerRestart {
///         // GFP_ATOMIC
///         let _sample = KBox::new(&cx, [0u32; 4]);
///         timer.forward_now(Delta::from_micros(500));
///         HrTimerRestart::Restart
///     }
/// }
///
/// fn sample(task: &TaskCx) -> Result<HrTimer<Sampler, Mode>> {
///     let timer = HrTimer::new(task, Sampler)?;
///     timer.start(Delta::from_micros(500));
///     Ok(timer)
/// }
/// ```
pub struct HrTimer<T: Expire<M>, M: Mode>(
    CallbackBox<KernelObject<HrTimers, Locked<T>>>,
    PhantomData<fn() -> M>,
);

#[pin_data]
struct Locked<T> {
    /// Held while the timer's expiry is changed: the kernel requires that a timer is not started
    /// while it is forwarded.
    #[pin]
    lock: Lock<(), RawSpinLockIrqBackend>,
    #[pin]
    data: T,
}

struct HrTimers;

// SAFETY: A timer that was cancelled and is not armed again neither runs nor is in a queue. A timer
// that its callback has started or restarted is cancelled after the callback has returned.
unsafe impl ObjectKind for HrTimers {
    type Raw = hrtimer;

    unsafe fn stop(timer: *mut hrtimer) {
        // SAFETY: `# Safety`: `timer` was set up. A running timer is left to `wait`.
        unsafe { hrtimer_try_to_cancel(timer) };
    }

    unsafe fn wait(timer: *mut hrtimer) {
        // SAFETY: `# Safety`: `timer` was set up. The caller may sleep, and is not the callback.
        unsafe { hrtimer_cancel(timer) };
    }
}

/// # Safety
///
/// Only the kernel calls it, with a timer of mode `M` that was set up with it.
unsafe extern "C" fn expired<T: Expire<M>, M: Mode>(
    timer: *mut hrtimer,
) -> bindings::hrtimer_restart {
    // SAFETY: `# Safety`: `new` has set up `timer`.
    let Some(callback) = (unsafe { KernelObject::<HrTimers, Locked<T>>::enter(timer) }) else {
        return calls::enums::HRTIMER_NORESTART;
    };
    // SAFETY: A timer of this mode expires. The callback can reach no other token.
    let mut cx = unsafe { M::enter() };
    let mut expired = Expired {
        callback,
        _mode: PhantomData,
    };
    match callback.data().data.expired(&mut expired, &mut cx) {
        HrTimerRestart::NoRestart => calls::enums::HRTIMER_NORESTART,
        HrTimerRestart::Restart => calls::enums::HRTIMER_RESTART,
    }
}

impl<T: Expire<M>, M: Mode> HrTimer<T, M> {
    /// Makes a timer that is not started; wraps `hrtimer_setup()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if memory is short, `EBUSY` if the module is ending, and the error of `data`.
    #[doc(alias = "hrtimer_setup")]
    pub fn new<G, E>(grant: G, data: impl PinInit<T, E>) -> Result<Self>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        let data = try_pin_init!(Locked {
            lock <- Lock::new((), c"kalloc_hrtimer", static_lock_class!()),
            data <- data,
        }? Error);
        let set_up = |timer| {
            let clock = <M::Clock as ClockSource>::ID;
            // SAFETY: `timer` is uninitialised memory for a timer. The kernel supports each of
            // these clocks and modes.
            unsafe { bindings::hrtimer_setup(timer, Some(expired::<T, M>), clock, M::C_MODE) };
            Ok(())
        };
        // SAFETY: `set_up` initialises the object, and `expired` is for this type.
        let callback = unsafe { KernelObject::new::<Error>(data, set_up) };
        Ok(Self(CallbackBox::new(grant, callback)?, PhantomData))
    }

    /// Starts or restarts the timer; wraps `hrtimer_start()`. `expires` is an absolute or a
    /// relative time, as the mode says. Has no effect if the module is ending.
    #[doc(alias = "hrtimer_start")]
    pub fn start(&self, expires: M::Expires) {
        self.0.arm(|timer| {
            let _forwards_not = self.0.get().get_ref().data().lock.lock();
            // SAFETY: The timer was set up with this mode, and lives until it has been cancelled.
            unsafe { bindings::hrtimer_start_range_ns(timer, expires.as_nanos(), 0, M::C_MODE) }
        });
    }

    /// Stops the timer unless its callback runs; wraps `hrtimer_try_to_cancel()`. Returns whether
    /// the timer was active, or `None` if the callback runs.
    #[doc(alias = "hrtimer_try_to_cancel")]
    pub fn try_cancel(&self) -> Option<bool> {
        // SAFETY: The timer was set up.
        let cancelled = unsafe { hrtimer_try_to_cancel(self.0.get().raw()) };
        (cancelled >= 0).then_some(cancelled > 0)
    }

    /// Stops the timer and waits until its callback does not run; wraps `hrtimer_cancel()`. Returns
    /// whether the timer was active.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    #[doc(alias = "hrtimer_cancel")]
    pub fn cancel<C: MaySleep>(&self, _cx: &C) -> bool {
        // SAFETY: The timer was set up. The caller may sleep, so it is not the callback.
        unsafe { hrtimer_cancel(self.0.get().raw()) != 0 }
    }

    /// The callback.
    pub fn data(&self) -> &T {
        &self.0.get().get_ref().data().data
    }

    /// Ends the timer at once; wraps `hrtimer_cancel()`.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    pub fn free<C: MaySleep>(self, cx: &C) {
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
    callback: &'a KernelObject<HrTimers, Locked<T>>,
    _mode: PhantomData<fn() -> M>,
}

impl<T: Expire<M>, M: Mode> Expired<'_, T, M> {
    /// Advances the expiry by whole intervals until it is in the future; wraps
    /// `hrtimer_forward_now()`. Returns the number of intervals. Returns 0 also if the timer has
    /// been started again since it expired, and so already has a new expiry.
    #[doc(alias = "hrtimer_forward_now")]
    pub fn forward_now(&mut self, interval: Delta) -> u64 {
        let timer = self.callback.raw();
        let _starts_not = self.callback.data().lock.lock();
        // SAFETY: The timer is valid. It is in its callback, and the lock is held, so it is not
        // queued concurrently.
        if unsafe { (&raw const (*timer).is_queued).read_volatile() } {
            return 0;
        }
        // SAFETY: The timer is valid and not queued, and the lock is held.
        unsafe { kalloc_helper_hrtimer_forward_now(timer, interval.as_nanos()) }
    }
}

impl<T: Expire<M>, M: Mode> fmt::Debug for Expired<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expired")
    }
}
