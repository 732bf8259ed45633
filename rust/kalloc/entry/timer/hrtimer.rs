// SPDX-License-Identifier: GPL-2.0

//! High-resolution timers. Their mode says where they expire.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)
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
    flags::matrix::ForKmalloc,
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
    RawCx: AbsoluteHardMode, RelativeHardMode, AbsolutePinnedHardMode, RelativePinnedHardMode;
    IrqCx: AbsoluteMode, RelativeMode, AbsolutePinnedMode, RelativePinnedMode;
    BhCx: AbsoluteSoftMode, RelativeSoftMode, AbsolutePinnedSoftMode, RelativePinnedSoftMode;
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
    /// Held where the timer's time is changed: the kernel wants nobody to start it while it is
    /// forwarded.
    #[pin]
    lock: Lock<(), RawSpinLockIrqBackend>,
    #[pin]
    data: T,
}

struct HrTimers;

// SAFETY: A timer that was cancelled, while nobody arms it, neither runs nor is in a queue: one that
// its callback has started, or let start again, is cancelled when the callback has returned.
unsafe impl ObjectKind for HrTimers {
    type Raw = hrtimer;

    unsafe fn stop(timer: *mut hrtimer) {
        // SAFETY: By the contract of this function. One that runs is left to `wait`.
        unsafe { hrtimer_try_to_cancel(timer) };
    }

    unsafe fn wait(timer: *mut hrtimer) {
        // SAFETY: By the contract of this function.
        unsafe { hrtimer_cancel(timer) };
    }
}

/// # Safety
///
/// Only the kernel calls it, with a timer of mode `M` that was set up for it.
unsafe extern "C" fn expired<T: Expire<M>, M: Mode>(
    timer: *mut hrtimer,
) -> bindings::hrtimer_restart {
    // SAFETY: The kernel calls this with a timer that `new` has set up.
    let Some(callback) = (unsafe { KernelObject::<HrTimers, Locked<T>>::enter(timer) }) else {
        return bindings::hrtimer_restart::HRTIMER_NORESTART;
    };
    // SAFETY: A timer of this mode expires, and no other token is in reach.
    let mut cx = unsafe { M::enter() };
    let mut expired = Expired {
        callback,
        _mode: PhantomData,
    };
    match callback.data().data.expired(&mut expired, &mut cx) {
        HrTimerRestart::NoRestart => bindings::hrtimer_restart::HRTIMER_NORESTART,
        HrTimerRestart::Restart => bindings::hrtimer_restart::HRTIMER_RESTART,
    }
}

impl<T: Expire<M>, M: Mode> HrTimer<T, M> {
    /// A timer that has not been started, wraps `hrtimer_setup()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, `EBUSY` if the module ends, and what `data` returns.
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
            // SAFETY: It is the place of a timer, and the kernel has each of these clocks and modes.
            unsafe { bindings::hrtimer_setup(timer, Some(expired::<T, M>), clock, M::C_MODE) };
            Ok(())
        };
        // SAFETY: It is set up, and `expired` is for this type.
        let callback = unsafe { KernelObject::new::<Error>(data, set_up) };
        Ok(Self(CallbackBox::new(grant, callback)?, PhantomData))
    }

    /// Lets it expire at, or after, the time that its mode takes, also when it was to expire at
    /// another, wraps `hrtimer_start()`. Does nothing if the module ends.
    pub fn start(&self, expires: M::Expires) {
        self.0.arm(|timer| {
            let _forwards_not = self.0.get().get_ref().data().lock.lock();
            // SAFETY: It was set up with this mode, and lives until it has been cancelled.
            unsafe { bindings::hrtimer_start_range_ns(timer, expires.as_nanos(), 0, M::C_MODE) }
        });
    }

    /// Stops it unless it runs, wraps `hrtimer_try_to_cancel()`. Whether it was to expire; `None`
    /// when it runs.
    pub fn try_cancel(&self) -> Option<bool> {
        // SAFETY: It was set up.
        let cancelled = unsafe { hrtimer_try_to_cancel(self.0.get().raw()) };
        (cancelled >= 0).then_some(cancelled > 0)
    }

    /// Stops it and waits until it does not run, wraps `hrtimer_cancel()`. Whether it was to expire.
    pub fn cancel<C: MaySleep>(&self, _cx: &C) -> bool {
        // SAFETY: It was set up. The caller may sleep, so it is not the callback.
        unsafe { hrtimer_cancel(self.0.get().raw()) != 0 }
    }

    /// What it does.
    pub fn data(&self) -> &T {
        &self.0.get().get_ref().data().data
    }

    /// Ends it at once, wraps `hrtimer_cancel()`.
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
    /// Moves the time of expiry on by whole intervals until it is after now, wraps
    /// `hrtimer_forward_now()`. How many they were: 0 also where it has been started again since it
    /// expired, and so has a time.
    pub fn forward_now(&mut self, interval: Delta) -> u64 {
        let timer = self.callback.raw();
        let _starts_not = self.callback.data().lock.lock();
        // SAFETY: It is there. Nobody queues it meanwhile: it is in its callback, and the lock is held.
        if unsafe { (&raw const (*timer).is_queued).read_volatile() } {
            return 0;
        }
        // SAFETY: As above.
        unsafe { kalloc_helper_hrtimer_forward_now(timer, interval.as_nanos()) }
    }
}

impl<T: Expire<M>, M: Mode> fmt::Debug for Expired<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expired")
    }
}
