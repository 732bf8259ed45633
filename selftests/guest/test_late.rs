// SPDX-License-Identifier: GPL-2.0

//! What starts a callback when the module ends, too late to be waited for: drops that other drops
//! make, one after another, or that a callback makes. None of it is armed then: it would run when the code is gone.
//! A task that could not queue an item then is still in the code.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use kalloc::{
    hrtimer::{self, Expired, HrTimer, HrTimerRestart, RelativeMode},
    irq_work::{self, IrqWork},
    prelude::*,
    timer::{self, Timer},
    work::{self, impl_has_work, new_work, Work, WorkItem},
};
use kernel::{
    bindings,
    error::from_err_ptr,
    ffi::{c_int, c_void},
    sync::{Arc, SetOnce},
    time::{delay::fsleep, msecs_to_jiffies, Delta, Instant, Jiffies, Monotonic},
};
use testlib::{c, check, Outcome, Stop};

#[path = "../lib/testlib.rs"]
mod testlib;

type Mode = RelativeMode<Monotonic>;

/// In milliseconds.
static DELAY: AtomicU32 = AtomicU32::new(5);

/// How often a callback ran, or a drop started one.
static COUNT: AtomicU32 = AtomicU32::new(0);

struct Late;

impl hrtimer::Expire<Mode> for Late {
    fn expired(&self, _timer: &mut Expired<'_, Self, Mode>, _cx: &mut IrqCx<'_>) -> HrTimerRestart {
        COUNT.fetch_add(1, Relaxed);
        HrTimerRestart::NoRestart
    }
}

impl timer::Expire for Late {
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<Jiffies> {
        COUNT.fetch_add(1, Relaxed);
        None
    }
}

static HRTIMER: SetOnce<HrTimer<Late, Mode>> = SetOnce::new();
static TIMER: SetOnce<Timer<Late>> = SetOnce::new();

/// The end of the module waits for each of them after the timers, while the last drops are made.
static WORKS: [SetOnce<IrqWork<Nothing>>; 16] = [const { SetOnce::new() }; 16];

struct Nothing;

impl irq_work::Run for Nothing {
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}

/// Its drop starts both, and drops the next.
struct Chain(#[allow(dead_code)] Option<IrqWork<Chain>>);

impl irq_work::Run for Chain {
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}

impl Drop for Chain {
    fn drop(&mut self) {
        start();
    }
}

/// Starts the timers.
fn start() {
    COUNT.fetch_add(1, Relaxed);
    if let Some(timer) = HRTIMER.as_ref() {
        timer.start(Delta::from_millis(DELAY.load(Relaxed).into()));
    }
    if let Some(timer) = TIMER.as_ref() {
        timer.start(msecs_to_jiffies(DELAY.load(Relaxed)));
    }
}

/// Makes and drops something as long as it may, whose drop takes a while.
struct Stream;

static STREAM: SetOnce<Timer<Stream>> = SetOnce::new();

impl timer::Expire for Stream {
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
        drop(IrqWork::new(&cx, Slow));
        Some(1)
    }
}

struct Slow;

impl irq_work::Run for Slow {
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}

impl Drop for Slow {
    fn drop(&mut self) {
        fsleep(Delta::from_millis(50));
        start();
    }
}

/// Until the module ends they expire.
fn timers_in_statics_expire(task: &mut TaskCx) -> Outcome {
    check!(HRTIMER.populate(HrTimer::new(&task, Late)?));
    check!(TIMER.populate(Timer::new(&task, Late)?));
    for work in &WORKS {
        check!(work.populate(IrqWork::new(&task, Nothing)?));
    }
    drop(Chain(None));
    check!(testlib::wait_until(task, || COUNT.load(Relaxed) == 3));
    Ok(())
}

fn timers_are_started_by_drops_at_exit(task: &mut TaskCx) -> Outcome {
    extern "C" fn none_is_armed() -> bool {
        let hrtimer = HRTIMER.as_ref().and_then(HrTimer::try_cancel);
        let timer = TIMER.as_ref().map(Timer::cancel);
        let armed = hrtimer != Some(false) || timer != Some(false);
        COUNT.load(Relaxed) > 3 + CHAIN && !armed && LINGERS.load(Relaxed) == LEAVES
    }
    DELAY.store(10_000, Relaxed);
    check!(STREAM.populate(Timer::new(&task, Stream)?));
    STREAM.as_ref().ok_or(EINVAL)?.start(1);
    // SAFETY: It may be called in process context, in which the end of the module calls it.
    unsafe { c::testlib_must_hold(Some(none_is_armed)) };
    Ok(())
}

const CHAIN: u32 = 28;

/// A drop that takes long.
struct Blocks;

static RELEASED: AtomicBool = AtomicBool::new(false);

impl irq_work::Run for Blocks {
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for _ in 0..2000 {
            if RELEASED.load(Relaxed) {
                break;
            }
            fsleep(Delta::from_millis(10));
        }
    }
}

/// The end of a module waits for its own drops.
fn another_module_is_unloaded_meanwhile(task: &mut TaskCx) -> Outcome {
    drop(IrqWork::new(&task, Blocks)?);
    // SAFETY: It sleeps, which is allowed here.
    let took = unsafe { c::testlib_unload_another() };
    RELEASED.store(true, Relaxed);
    if took < 0 {
        return Err(Stop::Skip("there is no other module to unload"));
    }
    check!(took < 10_000);
    Ok(())
}

/// What the task below does.
static LINGERS: AtomicU32 = AtomicU32::new(WAITS);
const WAITS: u32 = 0;
const QUEUES: u32 = 1;
const IS_REFUSED: u32 = 2;
const LEAVES: u32 = 3;

#[pin_data]
struct Item {
    #[pin]
    work: Work<Item>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;
    fn run(_this: Arc<Self>, _task: &mut TaskCx) {}
}

/// A task that kalloc does not count. It stays in the module's code for a while after its item was refused.
extern "C" fn lingers(item: *mut c_void) -> c_int {
    while LINGERS.load(Relaxed) == WAITS {
        fsleep(Delta::from_millis(1));
    }
    // SAFETY: A thread may sleep, and this is its only token.
    let task = unsafe { TaskCx::assume() };
    // SAFETY: The argument is the `Arc` that `start_to_linger` gave to this thread.
    let item: Arc<Item> = unsafe { Arc::from_raw(item.cast_const().cast()) };
    if work::system_dfl().enqueue::<_, 0>(&task, item).is_err() {
        let since = Instant::<Monotonic>::now();
        LINGERS.store(IS_REFUSED, Relaxed);
        while since.elapsed() < Delta::from_millis(4000) {
            core::hint::spin_loop();
        }
        LINGERS.store(LEAVES, Relaxed);
    }
    0
}

/// Its drop lets the task go on, when the module is closed, and waits until the item was refused.
struct LetsGo;

impl irq_work::Run for LetsGo {
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}

impl Drop for LetsGo {
    fn drop(&mut self) {
        fsleep(Delta::from_millis(300));
        LINGERS.store(QUEUES, Relaxed);
        for _ in 0..1000 {
            if LINGERS.load(Relaxed) != QUEUES {
                break;
            }
            fsleep(Delta::from_millis(10));
        }
    }
}

fn start_to_linger(task: &TaskCx) -> Result<IrqWork<LetsGo>> {
    let item = Arc::pin_init_with(task, pin_init!(Item { work <- new_work!("Item::work") }))?;
    // SAFETY: The function takes an `Arc<Item>`, and the name is a string.
    let thread = from_err_ptr(unsafe {
        bindings::kthread_create_on_node(
            Some(lingers),
            Arc::into_raw(item).cast_mut().cast(),
            bindings::NUMA_NO_NODE,
            c"lingers".as_char_ptr(),
        )
    })?;
    // SAFETY: The thread has not been started, so it exists.
    unsafe { bindings::wake_up_process(thread) };
    IrqWork::new(task, LetsGo)
}

struct Tests(
    #[allow(dead_code)] Option<IrqWork<Chain>>,
    #[allow(dead_code)] IrqWork<LetsGo>,
);

impl kalloc::Module for Tests {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        testlib::run(
            task,
            &[
                (
                    "another_module_is_unloaded_meanwhile",
                    another_module_is_unloaded_meanwhile,
                ),
                ("timers_in_statics_expire", timers_in_statics_expire),
                (
                    "timers_are_started_by_drops_at_exit",
                    timers_are_started_by_drops_at_exit,
                ),
            ],
        )?;
        let mut chain = None;
        for _ in 0..CHAIN {
            chain = Some(IrqWork::new(&task, Chain(chain))?);
        }
        Ok(Self(chain, start_to_linger(task)?))
    }
}

kalloc::module! {
    type: Tests,
    name: "test_late",
    authors: ["The kalloc authors"],
    description: "Tests of kalloc",
    license: "GPL",
}
