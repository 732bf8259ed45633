// SPDX-License-Identifier: GPL-2.0

//! Timers of both kinds: they expire where their token says, and end without being waited for.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use kalloc::{
    hrtimer::{
        self, AbsoluteSoftMode, Expired, HrTimer, HrTimerRestart, Mode, RelativeHardMode,
        RelativeMode, RelativePinnedMode, RelativeSoftMode,
    },
    irq_work::{IrqWork, Run},
    prelude::*,
    timer::{Expire, Timer},
};
use kernel::{
    new_spinlock,
    sync::{Arc, SetOnce, SpinLock},
    time::{hrtimer::HrTimerMode, msecs_to_jiffies, Delta, Instant, Jiffies, Monotonic},
};
use testlib::{check, check_eq, wait_until, Outcome, Place, Seen};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_timer":
    timer_expires_in_a_softirq,
    timer_is_started_again,
    timer_is_cancelled,
    timer_is_dropped_in_every_context,
    timer_drops_itself,
    running_timer_is_dropped,
    timer_is_freed_at_once,
    soft_hrtimer_gets_bh,
    absolute_soft_hrtimer_gets_bh,
    hrtimer_gets_irq,
    pinned_hrtimer_gets_irq,
    hard_hrtimer_gets_raw,
    hrtimer_is_forwarded,
    hrtimer_started_in_its_callback_is_not_forwarded,
    hrtimer_is_cancelled,
    hrtimer_is_dropped_in_every_context,
    running_hrtimer_is_dropped,
    timers_in_statics_are_left_at_exit,
}

/// What a timer's callback shares with the test.
struct Shared {
    seen: Seen,
    allocated: AtomicU32,
    dropped: Seen,
    hold: AtomicBool,
    holds: AtomicBool,
}

impl Shared {
    fn new(task: &TaskCx) -> Result<Arc<Self>> {
        let shared = Self {
            seen: Seen::new(),
            allocated: AtomicU32::new(0),
            dropped: Seen::new(),
            hold: AtomicBool::new(false),
            holds: AtomicBool::new(false),
        };
        Ok(Arc::new_with(task, shared)?)
    }

    fn run<C: MayAlloc>(&self, cx: &C) {
        if KBox::new(cx, [1u8; 200]).is_ok() {
            self.allocated.fetch_add(1, Relaxed);
        }
        self.seen.here();
        self.hold();
    }

    /// Stays in the callback until it is told to go.
    fn hold(&self) {
        let mut patience = 5_000_000;
        while self.hold.load(Relaxed) && patience > 0 {
            self.holds.store(true, Relaxed);
            core::hint::spin_loop();
            patience -= 1;
        }
        self.holds.store(false, Relaxed);
    }

    /// Its value is there while the callback runs, which may be over if that is on this CPU.
    fn check_held(&self) -> Outcome {
        let dropped = self.dropped.times();
        if self.holds.load(core::sync::atomic::Ordering::SeqCst) {
            check_eq!(dropped, 0);
        }
        self.hold.store(false, Relaxed);
        Ok(())
    }

    /// The value has been dropped, in process context.
    fn check_dropped(&self, task: &TaskCx) -> Outcome {
        check!(wait_until(task, || self.dropped.times() == 1));
        check!(self.dropped.place().is(Place::PREEMPTIBLE));
        Ok(())
    }
}

/// In a softirq, on PREEMPT_RT its thread.
fn softirq(place: Place) -> Outcome {
    check!(place.is(Place::SOFTIRQ));
    check!(!place.is(Place::HARDIRQ) && !place.is(Place::IRQS_OFF) && !place.is(Place::NMI));
    check_eq!(place.is(Place::PREEMPTIBLE), cfg!(CONFIG_PREEMPT_RT));
    Ok(())
}

fn hardirq(place: Place) -> Outcome {
    check!(place.is(Place::HARDIRQ | Place::IRQS_OFF));
    check!(!place.is(Place::PREEMPTIBLE) && !place.is(Place::NMI));
    Ok(())
}

/// Drops a timer that expires again and again in each context, after which it does not for `long`.
fn dropped_everywhere<T>(
    task: &mut TaskCx,
    long: Delta,
    start: impl Fn(&TaskCx) -> Result<(Arc<Shared>, T)>,
) -> Outcome {
    for place in 0..testlib::DROP_PLACES {
        let (shared, timer) = start(task)?;
        check!(wait_until(task, || shared.seen.times() > 0));
        testlib::drop_in(task, place, timer)?;
        shared.check_dropped(task)?;
        let times = shared.seen.times();
        kernel::time::delay::fsleep(long);
        check_eq!(shared.seen.times(), times);
    }
    Ok(())
}

// Timers ---------------------------------------------------------------------------------------------------------------

/// Expires as often as it is told to.
struct Counter {
    shared: Arc<Shared>,
    more: AtomicU32,
}

impl Expire for Counter {
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
        self.shared.run(cx);
        let more = self.more.load(Relaxed);
        self.more.store(more.saturating_sub(1), Relaxed);
        (more > 0).then_some(1)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.shared.dropped.here();
    }
}

fn counter(task: &TaskCx, more: u32) -> Result<(Arc<Shared>, Timer<Counter>)> {
    let shared = Shared::new(task)?;
    let data = Counter {
        shared: shared.clone(),
        more: AtomicU32::new(more),
    };
    Ok((shared, Timer::new(task, data)?))
}

fn timer_expires_in_a_softirq(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = counter(task, 0)?;
    check!(!timer.is_pending());
    check!(!timer.start(1));
    check!(wait_until(task, || shared.seen.times() == 1));
    softirq(shared.seen.place())?;
    check_eq!(shared.allocated.load(Relaxed), 1);
    check!(!timer.is_pending());
    Ok(())
}

fn timer_is_started_again(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = counter(task, 3)?;
    timer.start(1);
    check!(wait_until(task, || shared.seen.times() == 4));
    timer.cancel_sync(task);
    check_eq!(shared.seen.times(), 4);
    check_eq!(timer.data().more.load(Relaxed), 0);
    Ok(())
}

fn timer_is_cancelled(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = counter(task, 0)?;
    check!(!timer.start(msecs_to_jiffies(60_000)));
    check!(timer.is_pending());
    check!(timer.start(msecs_to_jiffies(30_000)));
    check!(timer.cancel());
    check!(!timer.cancel());
    timer.start(Jiffies::MAX);
    check!(timer.is_pending());
    check!(timer.cancel_sync(task));
    check!(!timer.is_pending());
    check_eq!(shared.seen.times(), 0);
    // It can be started after that.
    timer.start(1);
    check!(wait_until(task, || shared.seen.times() == 1));
    Ok(())
}

fn timer_is_dropped_in_every_context(task: &mut TaskCx) -> Outcome {
    dropped_everywhere(task, Delta::from_millis(20), |task| {
        let (shared, timer) = counter(task, u32::MAX)?;
        timer.start(1);
        Ok((shared, timer))
    })
}

/// A timer that drops its own owner.
struct Suicide {
    shared: Arc<Shared>,
    owner: Arc<Owner>,
}

#[pin_data]
struct Owner {
    #[pin]
    timer: SpinLock<Option<Timer<Suicide>>>,
}

impl Expire for Suicide {
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
        self.shared.run(cx);
        // Out of the lock, and then dropped.
        drop(cx.locked(&self.owner.timer, |timer, _cx| timer.take()));
        Some(1)
    }
}

impl Drop for Suicide {
    fn drop(&mut self) {
        self.shared.dropped.here();
    }
}

fn timer_drops_itself(task: &mut TaskCx) -> Outcome {
    let shared = Shared::new(task)?;
    let owner = Arc::pin_init_with(&task, pin_init!(Owner { timer <- new_spinlock!(None) }))?;
    let timer = Timer::new(
        &task,
        Suicide {
            shared: shared.clone(),
            owner: owner.clone(),
        },
    )?;
    task.bh_off(|cx| {
        cx.locked(&owner.timer, |place, _cx| {
            timer.start(1);
            *place = Some(timer);
        })
    });
    shared.check_dropped(task)?;
    check_eq!(shared.seen.times(), 1);
    Ok(())
}

fn running_timer_is_dropped(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = counter(task, u32::MAX)?;
    shared.hold.store(true, Relaxed);
    timer.start(1);
    check!(wait_until(task, || shared.seen.times() >= 1));
    drop(timer);
    shared.check_held()?;
    shared.check_dropped(task)
}

fn timer_is_freed_at_once(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = counter(task, u32::MAX)?;
    timer.start(1);
    check!(wait_until(task, || shared.seen.times() > 0));
    timer.free(task);
    check_eq!(shared.dropped.times(), 1);
    let times = shared.seen.times();
    kernel::time::delay::fsleep(Delta::from_millis(20));
    check_eq!(shared.seen.times(), times);
    Ok(())
}

// High-resolution timers -----------------------------------------------------------------------------------------------

/// As [`Counter`], every half millisecond.
struct Fast {
    shared: Arc<Shared>,
    more: AtomicU32,
    overruns: AtomicU32,
}

impl Drop for Fast {
    fn drop(&mut self) {
        self.shared.dropped.here();
    }
}

impl Fast {
    fn again<M: Mode>(&self, timer: &mut Expired<'_, Self, M>) -> HrTimerRestart
    where
        Self: hrtimer::Expire<M>,
    {
        let more = self.more.load(Relaxed);
        if more == 0 {
            return HrTimerRestart::NoRestart;
        }
        self.more.store(more - 1, Relaxed);
        let overruns = timer.forward_now(Delta::from_micros(500));
        self.overruns.fetch_add(u32::from(overruns > 0), Relaxed);
        HrTimerRestart::Restart
    }
}

macro_rules! fast {
    ($($mode:ident: $token:ident;)*) => {$(
        impl hrtimer::Expire<$mode<Monotonic>> for Fast {
            fn expired(
                &self,
                timer: &mut Expired<'_, Self, $mode<Monotonic>>,
                cx: &mut $token<'_>,
            ) -> HrTimerRestart {
                self.shared.run(cx);
                self.again(timer)
            }
        }
    )*};
}

fast! {
    RelativeSoftMode: BhCx;
    AbsoluteSoftMode: BhCx;
    RelativeMode: IrqCx;
    RelativePinnedMode: IrqCx;
}

impl hrtimer::Expire<RelativeHardMode<Monotonic>> for Fast {
    fn expired(
        &self,
        timer: &mut Expired<'_, Self, RelativeHardMode<Monotonic>>,
        _cx: &mut RawCx<'_>,
    ) -> HrTimerRestart {
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            testlib::not_for_rt();
            self.shared.run(_cx);
        }
        #[cfg(CONFIG_PREEMPT_RT)]
        self.shared.seen.here();
        self.again(timer)
    }
}

fn fast<M: Mode>(task: &TaskCx, more: u32) -> Result<(Arc<Shared>, HrTimer<Fast, M>)>
where
    Fast: hrtimer::Expire<M>,
{
    let shared = Shared::new(task)?;
    let data = Fast {
        shared: shared.clone(),
        more: AtomicU32::new(more),
        overruns: AtomicU32::new(0),
    };
    Ok((shared, HrTimer::new(task, data)?))
}

/// Where a timer of the mode expires.
fn place_of<M: Mode>(
    task: &TaskCx,
    expires: <M as HrTimerMode>::Expires,
) -> Result<(Place, u32), testlib::Stop>
where
    Fast: hrtimer::Expire<M>,
{
    let (shared, timer) = fast::<M>(task, 0)?;
    timer.start(expires);
    check!(wait_until(task, || shared.seen.times() == 1));
    timer.free(task);
    check_eq!(shared.dropped.times(), 1);
    Ok((shared.seen.place(), shared.allocated.load(Relaxed)))
}

const SOON: Delta = Delta::from_micros(300);

fn soft_hrtimer_gets_bh(task: &mut TaskCx) -> Outcome {
    let (place, allocated) = place_of::<RelativeSoftMode<Monotonic>>(task, SOON)?;
    check_eq!(allocated, 1);
    softirq(place)
}

fn absolute_soft_hrtimer_gets_bh(task: &mut TaskCx) -> Outcome {
    let when = Instant::<Monotonic>::now() + SOON;
    let (place, allocated) = place_of::<AbsoluteSoftMode<Monotonic>>(task, when)?;
    check_eq!(allocated, 1);
    softirq(place)
}

/// In a hard interrupt, on PREEMPT_RT in the thread of a softirq.
fn hard_or_soft(place: Place) -> Outcome {
    if cfg!(CONFIG_PREEMPT_RT) {
        softirq(place)
    } else {
        hardirq(place)
    }
}

fn hrtimer_gets_irq(task: &mut TaskCx) -> Outcome {
    let (place, allocated) = place_of::<RelativeMode<Monotonic>>(task, SOON)?;
    check_eq!(allocated, 1);
    hard_or_soft(place)
}

fn pinned_hrtimer_gets_irq(task: &mut TaskCx) -> Outcome {
    let (place, allocated) = place_of::<RelativePinnedMode<Monotonic>>(task, SOON)?;
    check_eq!(allocated, 1);
    hard_or_soft(place)
}

fn hard_hrtimer_gets_raw(task: &mut TaskCx) -> Outcome {
    let (place, allocated) = place_of::<RelativeHardMode<Monotonic>>(task, SOON)?;
    check_eq!(allocated, u32::from(!cfg!(CONFIG_PREEMPT_RT)));
    hardirq(place)
}

fn hrtimer_is_forwarded(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = fast::<RelativeSoftMode<Monotonic>>(task, 4)?;
    timer.start(SOON);
    check!(wait_until(task, || shared.seen.times() == 5));
    timer.cancel(task);
    check_eq!(shared.seen.times(), 5);
    check_eq!(timer.data().overruns.load(Relaxed), 4);
    Ok(())
}

fn hrtimer_is_cancelled(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = fast::<RelativeMode<Monotonic>>(task, 0)?;
    timer.start(Delta::from_millis(60_000));
    check_eq!(timer.try_cancel(), Some(true));
    check_eq!(timer.try_cancel(), Some(false));
    timer.start(Delta::from_millis(60_000));
    check!(timer.cancel(task));
    check!(!timer.cancel(task));
    check_eq!(shared.seen.times(), 0);
    timer.start(SOON);
    check!(wait_until(task, || shared.seen.times() == 1));
    Ok(())
}

fn hrtimer_is_dropped_in_every_context(task: &mut TaskCx) -> Outcome {
    fn dropped<M: Mode<Expires = Delta>>(task: &mut TaskCx) -> Outcome
    where
        Fast: hrtimer::Expire<M>,
    {
        dropped_everywhere(task, Delta::from_millis(5), |task| {
            let (shared, timer) = fast::<M>(task, u32::MAX)?;
            timer.start(SOON);
            Ok((shared, timer))
        })
    }
    dropped::<RelativeSoftMode<Monotonic>>(task)?;
    dropped::<RelativeMode<Monotonic>>(task)?;
    dropped::<RelativeHardMode<Monotonic>>(task)
}

fn running_hrtimer_is_dropped(task: &mut TaskCx) -> Outcome {
    let (shared, timer) = fast::<RelativeSoftMode<Monotonic>>(task, u32::MAX)?;
    shared.hold.store(true, Relaxed);
    timer.start(SOON);
    check!(wait_until(task, || shared.seen.times() >= 1));
    drop(timer);
    shared.check_held()?;
    shared.check_dropped(task)
}

/// Starts itself in its callback.
struct Again;

static AGAIN: SetOnce<HrTimer<Again, LeftMode>> = SetOnce::new();
static EXPIRED: AtomicU32 = AtomicU32::new(0);
static FORWARDED: AtomicU32 = AtomicU32::new(0);

impl hrtimer::Expire<LeftMode> for Again {
    fn expired(
        &self,
        timer: &mut Expired<'_, Self, LeftMode>,
        _cx: &mut <LeftMode as Mode>::Context<'_>,
    ) -> HrTimerRestart {
        if EXPIRED.fetch_add(1, Relaxed) == 0 {
            if let Some(again) = AGAIN.as_ref() {
                again.start(Delta::from_nanos(0));
            }
            FORWARDED.store(timer.forward_now(Delta::from_nanos(10)) as u32, Relaxed);
        }
        HrTimerRestart::NoRestart
    }
}

/// The kernel warns of one that is forwarded while it is queued.
fn hrtimer_started_in_its_callback_is_not_forwarded(task: &mut TaskCx) -> Outcome {
    check!(AGAIN.populate(HrTimer::new(&task, Again)?));
    AGAIN.as_ref().ok_or(EINVAL)?.start(Delta::from_nanos(0));
    check!(wait_until(task, || EXPIRED.load(Relaxed) == 2));
    check_eq!(FORWARDED.load(Relaxed), 0);
    Ok(())
}

/// Started again and again, each by the other.
struct Left;

type LeftMode = RelativeMode<Monotonic>;
static LEFT: AtomicU32 = AtomicU32::new(0);
static LEFT_TIMER: SetOnce<Timer<Left>> = SetOnce::new();
static LEFT_HRTIMER: SetOnce<HrTimer<Left, LeftMode>> = SetOnce::new();
static LEFT_WORK: SetOnce<IrqWork<Left>> = SetOnce::new();

impl Expire for Left {
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<Jiffies> {
        if let Some(timer) = LEFT_HRTIMER.as_ref() {
            timer.start(Delta::from_micros(100));
        }
        Some(1)
    }
}

impl hrtimer::Expire<LeftMode> for Left {
    fn expired(
        &self,
        _timer: &mut Expired<'_, Self, LeftMode>,
        _cx: &mut <LeftMode as Mode>::Context<'_>,
    ) -> HrTimerRestart {
        if let Some(work) = LEFT_WORK.as_ref() {
            work.queue();
        }
        HrTimerRestart::NoRestart
    }
}

impl Run for Left {
    fn run(&self, _cx: &mut IrqCx<'_>) {
        LEFT.fetch_add(1, Relaxed);
    }
}

/// Nothing drops a static. They run on until the end of the module, which stops them.
fn timers_in_statics_are_left_at_exit(task: &mut TaskCx) -> Outcome {
    testlib::must_stop(&LEFT);
    check!(LEFT_WORK.populate(IrqWork::new(&task, Left)?));
    check!(LEFT_HRTIMER.populate(HrTimer::new(&task, Left)?));
    check!(LEFT_TIMER.populate(Timer::new(&task, Left)?));
    LEFT_TIMER.as_ref().ok_or(EINVAL)?.start(1);
    check!(wait_until(task, || LEFT.load(Relaxed) > 2));
    Ok(())
}
