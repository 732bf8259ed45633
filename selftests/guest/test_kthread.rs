// SPDX-License-Identifier: GPL-2.0

//! Threads: each has a token of its own, ends when it is told to, and loses nothing.

use core::{
    ptr,
    sync::atomic::{
        AtomicPtr, AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};
use kalloc::{
    kthread::{kthread_run, Kthread, This},
    prelude::*,
};
use kernel::{
    sync::{Arc, Completion},
    time::{delay::fsleep, msecs_to_jiffies, Delta, Jiffies},
};
use testlib::{c, check, check_eq, traced, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_kthread":
    thread_may_sleep,
    thread_runs_beside_its_maker,
    stop_returns_the_result,
    stop_wakes_a_sleeper,
    thread_that_ended_is_joined,
    stop_before_the_start_drops_the_closure,
    thread_that_died_is_stopped,
    dropped_handle_ends_the_thread,
    dropped_handle_with_interrupts_off,
    dropped_handle_in_atomic_context,
    token_moves_into_the_thread_s_own_calls,
    thread_that_is_left_at_exit,
    sleeping_thread_is_left_at_exit,
}

static ALIVE: AtomicU32 = AtomicU32::new(0);

/// Counts itself.
struct Counted;

impl Counted {
    fn new() -> Self {
        ALIVE.fetch_add(1, Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Relaxed);
    }
}

/// Waits until that many are alive.
fn alive(count: u32) -> bool {
    for _ in 0..2000 {
        if ALIVE.load(Relaxed) == count {
            return true;
        }
        fsleep(Delta::from_millis(1));
    }
    false
}

static BEGUN: AtomicU32 = AtomicU32::new(0);

/// Waits until a thread has said that it has begun.
fn wait_for_begin() {
    while BEGUN.swap(0, Relaxed) == 0 {
        fsleep(Delta::from_millis(1));
    }
}

fn hour() -> kernel::time::Jiffies {
    msecs_to_jiffies(3_600_000)
}

fn thread_may_sleep(task: &mut TaskCx) -> Outcome {
    let thread = kthread_run!(
        task,
        c"kalloc_sleeps",
        |task: &mut TaskCx, this: &This<'_>| {
            BEGUN.store(1, Relaxed);
            let (_, trace) = traced(|| KBox::new(&task, [0u64; 3]));
            let gfp = trace
                .events()
                .find(|event| !event.is_free && event.size == 24)
                .map(|event| event.gfp);
            // SAFETY: None of them has preconditions.
            let may_sleep = unsafe { c::testlib_preemptible() && !c::testlib_irqs_disabled() };
            fsleep(Delta::from_millis(1));
            while !this.should_stop() {
                this.sleep(&task, hour());
            }
            Some((gfp, may_sleep))
        }
    )?;
    wait_for_begin();
    check_eq!(thread.stop(task)?, Some((Some(GfpKernel::BITS), true)));
    Ok(())
}

fn thread_runs_beside_its_maker(task: &mut TaskCx) -> Outcome {
    let came = Arc::pin_init_with(&task, Completion::new())?;
    let signal = came.clone();
    let thread = kthread_run!(task, c"kalloc_beside", move |_task, _this: &This<'_>| {
        signal.complete_all()
    })?;
    // It comes without being told to stop.
    came.wait_for_completion();
    thread.stop(task)?;
    Ok(())
}

fn stop_returns_the_result(task: &mut TaskCx) -> Outcome {
    let came = Arc::pin_init_with(&task, Completion::new())?;
    let signal = came.clone();
    let thread = kthread_run!(
        task,
        c"kalloc_result",
        move |task: &mut TaskCx, this: &This<'_>| {
            let boxed = KBox::new(&task, 7u32);
            signal.complete_all();
            while !this.should_stop() {
                this.sleep(&task, 1);
            }
            boxed
        }
    )?;
    came.wait_for_completion();
    check_eq!(*thread.stop(task)??, 7);
    Ok(())
}

fn stop_wakes_a_sleeper(task: &mut TaskCx) -> Outcome {
    let thread = kthread_run!(
        task,
        c"kalloc_sleeper",
        |task: &mut TaskCx, this: &This<'_>| {
            let mut wakes = 0;
            BEGUN.store(1, Relaxed);
            while !this.should_stop() {
                this.sleep(&task, hour());
                wakes += 1;
            }
            wakes
        }
    )?;
    wait_for_begin();
    fsleep(Delta::from_millis(20));
    // Else the test takes an hour.
    check_eq!(thread.stop(task)?, 1);
    Ok(())
}

fn thread_that_ended_is_joined(task: &mut TaskCx) -> Outcome {
    let value = Counted::new();
    let thread = kthread_run!(task, c"kalloc_ended", move |_task, _this: &This<'_>| {
        BEGUN.store(1, Relaxed);
        value
    })?;
    wait_for_begin();
    fsleep(Delta::from_millis(20));
    check_eq!(ALIVE.load(Relaxed), 1);
    let value = thread.stop(task)?;
    check_eq!(ALIVE.load(Relaxed), 1);
    drop(value);
    check_eq!(ALIVE.load(Relaxed), 0);
    Ok(())
}

fn stop_before_the_start_drops_the_closure(task: &mut TaskCx) -> Outcome {
    let (mut early, mut late) = (0, 0);
    for _ in 0..200 {
        let value = Counted::new();
        let thread = kthread_run!(task, c"kalloc_early", move |_task, _this: &This<'_>| {
            drop(value)
        })?;
        match thread.stop(task) {
            Ok(()) => late += 1,
            Err(error) => {
                check_eq!(error, EINTR);
                early += 1;
            }
        }
        check_eq!(ALIVE.load(Relaxed), 0);
    }
    pr_info!("# {} stopped before the start, {} after\n", early, late);
    Ok(())
}

/// As after a panic, the stack of the thread is forgotten.
fn thread_that_died_is_stopped(task: &mut TaskCx) -> Outcome {
    let value = Counted::new();
    let thread = kthread_run!(task, c"dies", move |_task: &mut TaskCx,
                                                   _this: &This<'_>|
          -> u32 {
        drop(value);
        // SAFETY: This is a kthread, and nothing is borrowed from its stack.
        unsafe { c::testlib_die() };
        unreachable!()
    })?;
    check!(alive(0));
    fsleep(Delta::from_millis(100));
    check_eq!(thread.stop(task).err(), Some(EIO));
    check_eq!(ALIVE.load(Relaxed), 0);
    Ok(())
}

fn forever(task: &mut TaskCx) -> Result<Kthread<Counted>> {
    let value = Counted::new();
    kthread_run!(
        task,
        c"kalloc_forever",
        move |task: &mut TaskCx, this: &This<'_>| {
            BEGUN.store(1, Relaxed);
            while !this.should_stop() {
                this.sleep(&task, hour());
            }
            value
        }
    )
}

fn dropped_handle_ends_the_thread(task: &mut TaskCx) -> Outcome {
    let thread = forever(task)?;
    wait_for_begin();
    check_eq!(ALIVE.load(Relaxed), 1);
    drop(thread);
    check!(alive(0));
    // Before the thread has begun, too.
    for _ in 0..50 {
        drop(forever(task)?);
    }
    check!(alive(0));
    BEGUN.store(0, Relaxed);
    Ok(())
}

/// Of a thread that has ended, so it is the last that knows of it.
fn dropped_handle_with_interrupts_off(task: &mut TaskCx) -> Outcome {
    for place in 0..2 {
        let thread = kthread_run!(task, c"kalloc_ended", |_task, _this: &This<'_>| BEGUN
            .store(1, Relaxed))?;
        wait_for_begin();
        fsleep(Delta::from_millis(20));
        match place {
            0 => task.irqs_off(|_| drop(thread)),
            _ => task.preempt_off(|_| drop(thread)),
        }
    }
    Ok(())
}

fn dropped_handle_in_atomic_context(task: &mut TaskCx) -> Outcome {
    let thread = forever(task)?;
    let lock = KBox::pin_init(&task, kernel::new_spinlock!(Some(thread)))?;
    task.locked(&lock, |slot, _cx| *slot = None);
    check!(alive(0));
    let mut thread = Some(forever(task)?);
    testlib::in_softirq(|_cx| drop(thread.take()))?;
    check!(alive(0));
    BEGUN.store(0, Relaxed);
    Ok(())
}

fn token_moves_into_the_thread_s_own_calls(task: &mut TaskCx) -> Outcome {
    fn helper(task: &mut TaskCx) -> Result<KBox<u32>> {
        Ok(KBox::new(&task, 3)?)
    }
    let thread = kthread_run!(
        task,
        c"kalloc_helper",
        |task: &mut TaskCx, this: &This<'_>| {
            BEGUN.store(1, Relaxed);
            while !this.should_stop() {
                this.sleep(&task, 1);
            }
            helper(task)
        }
    )?;
    wait_for_begin();
    check_eq!(*thread.stop(task)??, 3);
    Ok(())
}

/// A thread that sleeps as long as `timeout` each time, until the module ends. Its handle, which nobody
/// drops before, is its own to drop.
fn left(
    task: &TaskCx,
    handle: &'static AtomicPtr<Kthread<()>>,
    timeout: kernel::time::Jiffies,
) -> Outcome {
    let thread = kthread_run!(
        task,
        c"kalloc_left",
        move |task: &mut TaskCx, this: &This<'_>| {
            while !this.should_stop() {
                this.sleep(&task, timeout);
            }
            // SAFETY: It came from `into_raw`, and nobody else takes it.
            drop(unsafe { KBox::from_raw(handle.load(Acquire)) });
            // As long as the module's exit takes, and longer.
            fsleep(Delta::from_millis(100));
        }
    )?;
    handle.store(KBox::new(task, thread)?.into_raw(), Release);
    fsleep(Delta::from_millis(50));
    Ok(())
}

/// The end of the module waits for it: an oops or a hang follows where it does not.
fn thread_that_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    static HANDLE: AtomicPtr<Kthread<()>> = AtomicPtr::new(ptr::null_mut());
    left(task, &HANDLE, msecs_to_jiffies(20))
}

/// It sleeps for ever, and nobody else has its handle: the end of the module wakes it.
fn sleeping_thread_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    static HANDLE: AtomicPtr<Kthread<()>> = AtomicPtr::new(ptr::null_mut());
    left(task, &HANDLE, Jiffies::MAX)
}
