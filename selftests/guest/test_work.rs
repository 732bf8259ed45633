// SPDX-License-Identifier: GPL-2.0

//! Work items: each runs where its type says, and what was queued is never lost.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    prelude::*,
    work::{
        self, impl_has_bh_work, impl_has_delayed_work, impl_has_work, new_bh_work,
        new_delayed_work, new_work, BhWork, BhWorkItem, DelayedWork, Work, WorkItem,
    },
};
use kernel::{
    sync::{Arc, Completion},
    time::{msecs_to_jiffies, Jiffies},
};
use testlib::{c, check, check_eq, in_hardirq, in_softirq, traced, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_work":
    work_may_sleep,
    bh_work_is_a_softirq,
    allocation_in_each_kind,
    queued_from_every_context,
    queued_twice_comes_back,
    boxed_work_is_freed,
    delayed_work_is_later,
    longest_delay_is_no_time_in_the_past,
    cancelled_work_comes_back,
    cancelled_delayed_work_comes_back,
    flush_waits,
    two_items_of_one_type,
    item_that_queues_itself_is_left_at_exit,
}

/// What a handler saw.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
struct Seen {
    may_sleep: bool,
    softirq: bool,
    gfp: u32,
}

impl Seen {
    fn here(gfp: u32) -> u32 {
        // SAFETY: None of them has preconditions.
        let may_sleep = unsafe {
            c::testlib_preemptible()
                && !c::testlib_irqs_disabled()
                && c::testlib_rcu_read_lock_held() == 0
        };
        // SAFETY: It has no preconditions.
        let softirq = unsafe { c::testlib_in_serving_softirq() };
        u32::from(may_sleep) | u32::from(softirq) << 1 | gfp << 2
    }
    fn of(bits: u32) -> Self {
        Self {
            may_sleep: bits & 1 != 0,
            softirq: bits & 2 != 0,
            gfp: bits >> 2,
        }
    }
}

/// The flags of an allocation of 24 bytes by `f`.
fn gfp_of<R>(f: impl FnOnce() -> R) -> u32 {
    let (_, trace) = traced(f);
    trace
        .events()
        .find(|event| !event.is_free && event.size == 24)
        .map_or(0, |event| event.gfp)
}

/// Counts itself, so that one that is lost or dropped twice shows.
struct Counted(&'static AtomicU32);

impl Counted {
    fn new(count: &'static AtomicU32) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

static ITEMS: AtomicU32 = AtomicU32::new(0);

/// An item of each kind, which may run at the same time.
#[pin_data]
struct Item {
    _counted: Counted,
    ran: AtomicU32,
    seen: AtomicU32,
    #[pin]
    done: Completion,
    #[pin]
    gate: Completion,
    gated: bool,
    #[pin]
    work: Work<Item>,
    #[pin]
    second: Work<Item, 1>,
    #[pin]
    bh: BhWork<Item, 3>,
    #[pin]
    delayed: DelayedWork<Item, 2>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
    impl HasWork<Self, 1> for Item { self.second }
}
impl_has_bh_work! {
    impl HasBhWork<Self, 3> for Item { self.bh }
}
impl_has_delayed_work! {
    impl HasDelayedWork<Self, 2> for Item { self.delayed }
}

impl Item {
    fn new(task: &TaskCx, gated: bool) -> Result<Arc<Self>> {
        Arc::pin_init_with(
            task,
            pin_init!(Self {
                _counted: Counted::new(&ITEMS),
                ran: AtomicU32::new(0),
                seen: AtomicU32::new(0),
                done <- Completion::new(),
                gate <- Completion::new(),
                gated,
                work <- new_work!("Item::work"),
                second <- new_work!(),
                bh <- new_bh_work!("Item::bh"),
                delayed <- new_delayed_work!("Item::delayed"),
            }),
        )
    }

    fn ran(&self, how: u32, gfp: u32) {
        self.seen.store(Seen::here(gfp), Relaxed);
        self.ran.store(self.ran.load(Relaxed) * 10 + how, Relaxed);
        self.done.complete_all();
    }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, task: &mut TaskCx) {
        if this.gated {
            this.gate.wait_for_completion();
        }
        let gfp = gfp_of(|| KBox::new(&task, [0u64; 3]));
        // It does, for a moment.
        kernel::time::delay::fsleep(kernel::time::Delta::from_micros(100));
        this.ran(1, gfp);
    }
}

impl WorkItem<1> for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _task: &mut TaskCx) {
        this.ran(2, 0);
    }
}

impl BhWorkItem<3> for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, cx: &mut BhCx<'_>) {
        // The tracing is for threads.
        let fine = KBox::new(&cx, [0u64; 3]).is_ok();
        this.ran(3, u32::from(fine));
    }
}

impl WorkItem<2> for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _task: &mut TaskCx) {
        this.ran(4, 0);
    }
}

/// All items are gone that the test made.
fn none_is_left() -> bool {
    // The handler drops its own after it has said that it is done.
    for _ in 0..1000 {
        if ITEMS.load(Relaxed) == 0 {
            return true;
        }
        kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
    }
    false
}

fn work_may_sleep(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    check!(work::system_percpu()
        .enqueue::<_, 0>(&task, item.clone())
        .is_ok());
    item.done.wait_for_completion();
    let seen = Seen::of(item.seen.load(Relaxed));
    check!(seen.may_sleep && !seen.softirq);
    drop(item);
    check!(none_is_left());
    Ok(())
}

fn bh_work_is_a_softirq(task: &mut TaskCx) -> Outcome {
    for queue in [work::system_bh(), work::system_bh_highpri()] {
        let item = Item::new(task, false)?;
        check!(queue.enqueue(&task, item.clone()).is_ok());
        item.done.wait_for_completion();
        let seen = Seen::of(item.seen.load(Relaxed));
        check!(!seen.may_sleep && seen.softirq);
        check_eq!(item.ran.load(Relaxed), 3);
        drop(item);
        check!(none_is_left());
    }
    Ok(())
}

fn allocation_in_each_kind(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    check!(work::system_dfl()
        .enqueue::<_, 0>(&task, item.clone())
        .is_ok());
    item.done.wait_for_completion();
    check_eq!(Seen::of(item.seen.load(Relaxed)).gfp, GfpKernel::BITS);
    let item = Item::new(task, false)?;
    check!(work::system_bh().enqueue(&task, item.clone()).is_ok());
    item.done.wait_for_completion();
    check_eq!(Seen::of(item.seen.load(Relaxed)).gfp, 1);
    Ok(())
}

fn queued_from_every_context(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    let queue = work::system_long();
    check!(task.preempt_off(|cx| queue.enqueue::<_, 1>(&cx, item.clone()).is_ok()));
    item.second.flush_work(task);
    check!(task.irqs_off(|cx| queue.enqueue::<_, 1>(&cx, item.clone()).is_ok()));
    item.second.flush_work(task);
    let mut queued = false;
    in_softirq(|cx| queued = queue.enqueue::<_, 1>(&cx, item.clone()).is_ok())?;
    check!(queued);
    item.second.flush_work(task);
    let mut queued = (false, false);
    in_hardirq(|cx| {
        queued = (
            queue.enqueue::<_, 1>(&cx, item.clone()).is_ok(),
            work::system_bh().enqueue(&cx, item.clone()).is_ok(),
        );
    })?;
    check_eq!(queued, (true, true));
    item.second.flush_work(task);
    item.bh.flush_work(task);
    let ran = item.ran.load(Relaxed);
    check!(ran == 22223 || ran == 22232);
    drop(item);
    check!(none_is_left());
    Ok(())
}

fn queued_twice_comes_back(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, true)?;
    // One runs and waits, one is queued, a third is too many.
    check!(work::system_dfl()
        .enqueue::<_, 0>(&task, item.clone())
        .is_ok());
    let queued = work::system_dfl().enqueue_delayed::<_, 2>(
        &task,
        item.clone(),
        msecs_to_jiffies(3_600_000),
    );
    check!(queued.is_ok());
    let again = work::system_dfl().enqueue_delayed::<_, 2>(&task, item.clone(), 1);
    check!(again.is_err_and(|back| Arc::ptr_eq(&back, &item)));
    item.gate.complete_all();
    item.work.flush_work(task);
    check!(item.delayed.cancel_delayed_work_sync(task).is_some());
    drop(item);
    check!(none_is_left());
    Ok(())
}

/// An item that is nobody else's.
#[pin_data]
struct Boxed {
    _counted: Counted,
    done: Arc<Item>,
    #[pin]
    work: Work<Boxed>,
}

impl_has_work! {
    impl HasWork<Self> for Boxed { self.work }
}

impl WorkItem for Boxed {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>, _task: &mut TaskCx) {
        this.done.ran(5, 0);
    }
}

fn boxed_work_is_freed(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    let done = item.clone();
    let boxed = KBox::pin_init(
        &task,
        pin_init!(Boxed {
            _counted: Counted::new(&ITEMS),
            done,
            work <- new_work!(),
        }),
    )?;
    check!(work::system_highpri().enqueue(&task, boxed).is_ok());
    item.done.wait_for_completion();
    check_eq!(item.ran.load(Relaxed), 5);
    drop(item);
    check!(none_is_left());
    Ok(())
}

fn delayed_work_is_later(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    let queued = work::system_percpu().enqueue_delayed::<_, 2>(
        &task,
        item.clone(),
        msecs_to_jiffies(3_600_000),
    );
    check!(queued.is_ok());
    check_eq!(item.ran.load(Relaxed), 0);
    // Flushing runs it at once, and perhaps sooner than there is something to wait for.
    item.delayed.flush_delayed_work(task);
    check_eq!(item.ran.load(Relaxed), 4);
    let queued =
        work::system_percpu().enqueue_delayed::<_, 2>(&task, item.clone(), msecs_to_jiffies(20));
    check!(queued.is_ok());
    kernel::time::delay::fsleep(kernel::time::Delta::from_millis(200));
    check!(!item.delayed.flush_delayed_work(task));
    check_eq!(item.ran.load(Relaxed), 44);
    // Without a delay, too.
    check!(work::system_percpu()
        .enqueue::<_, 2>(&task, item.clone())
        .is_ok());
    item.delayed.flush_delayed_work(task);
    check_eq!(item.ran.load(Relaxed), 444);
    drop(item);
    check!(none_is_left());
    Ok(())
}

/// To the kernel a time more than half of all jiffies away is in the past.
fn longest_delay_is_no_time_in_the_past(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    let queued =
        work::system_percpu().enqueue_delayed::<_, 2>(&task, item.clone(), Jiffies::MAX / 4 * 3);
    check!(queued.is_ok());
    kernel::time::delay::fsleep(kernel::time::Delta::from_millis(100));
    check_eq!(item.ran.load(Relaxed), 0);
    check!(item.delayed.cancel_delayed_work_sync(task).is_some());
    drop(item);
    check!(none_is_left());
    Ok(())
}

fn cancelled_work_comes_back(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    // Not queued.
    check!(item.work.cancel_work_sync(task).is_none());
    // The worker may be faster.
    let mut back = None;
    for _ in 0..100 {
        task.irqs_off(|cx| {
            work::system_percpu()
                .enqueue::<_, 1>(&cx, item.clone())
                .is_ok()
        });
        back = item.second.cancel_work_sync(task);
        if back.is_some() {
            break;
        }
    }
    if let Some(back) = &back {
        check!(Arc::ptr_eq(back, &item));
    }
    drop((back, item));
    check!(none_is_left());
    Ok(())
}

fn cancelled_delayed_work_comes_back(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    let hour = msecs_to_jiffies(3_600_000);
    for _ in 0..3 {
        let queued = work::system_percpu().enqueue_delayed::<_, 2>(&task, item.clone(), hour);
        check!(queued.is_ok());
        let back = item.delayed.cancel_delayed_work_sync(task);
        check!(back.is_some_and(|back| Arc::ptr_eq(&back, &item)));
        check!(item.delayed.cancel_delayed_work_sync(task).is_none());
    }
    check_eq!(item.ran.load(Relaxed), 0);
    drop(item);
    check!(none_is_left());
    Ok(())
}

fn flush_waits(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, true)?;
    check!(work::system_dfl()
        .enqueue::<_, 0>(&task, item.clone())
        .is_ok());
    kernel::time::delay::fsleep(kernel::time::Delta::from_millis(20));
    check_eq!(item.ran.load(Relaxed), 0);
    item.gate.complete_all();
    item.work.flush_work(task);
    check_eq!(item.ran.load(Relaxed), 1);
    check!(!item.work.flush_work(task));
    Ok(())
}

fn two_items_of_one_type(task: &mut TaskCx) -> Outcome {
    let item = Item::new(task, false)?;
    check!(work::system_percpu()
        .enqueue::<_, 0>(&task, item.clone())
        .is_ok());
    item.work.flush_work(task);
    check!(work::system_percpu()
        .enqueue::<_, 1>(&task, item.clone())
        .is_ok());
    item.second.flush_work(task);
    check_eq!(item.ran.load(Relaxed), 12);
    drop(item);
    check!(none_is_left());
    Ok(())
}

/// An item that never ends by itself.
#[pin_data]
struct Forever {
    _counted: Counted,
    #[pin]
    work: Work<Forever>,
}

static FOREVER: AtomicU32 = AtomicU32::new(0);

impl_has_work! {
    impl HasWork<Self> for Forever { self.work }
}

impl WorkItem for Forever {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>, task: &mut TaskCx) {
        kernel::time::delay::fsleep(kernel::time::Delta::from_micros(200));
        let _ended = work::system_dfl().enqueue(&task, this);
    }
}

/// The end of the module waits for it: an oops or a hang follows where it does not.
fn item_that_queues_itself_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    let boxed = KBox::pin_init(
        &task,
        pin_init!(Forever {
            _counted: Counted::new(&FOREVER),
            work <- new_work!(),
        }),
    )?;
    check!(work::system_dfl().enqueue(&task, boxed).is_ok());
    kernel::time::delay::fsleep(kernel::time::Delta::from_millis(5));
    check_eq!(FOREVER.load(Relaxed), 1);
    Ok(())
}
