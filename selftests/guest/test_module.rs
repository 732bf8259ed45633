// SPDX-License-Identifier: GPL-2.0

//! A module that the kernel crate's `module!` makes: its end, too, stops what kalloc calls back.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    context::{BhCx, IrqCx, TaskCx},
    irq_work::{IrqWork, Run},
    timer::{Expire, Timer},
};
use kernel::{
    prelude::*,
    sync::SetOnce,
    time::{delay::fsleep, Delta, Jiffies},
};
use testlib::{check, wait_until, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

module! {
    type: Tests,
    name: "test_module",
    authors: ["The kalloc authors"],
    description: "Tests of kalloc",
    license: "GPL",
}

struct Tests {
    /// Dropped when the module ends, where nobody waits for it.
    _timer: Timer<Count<IrqWork<Count<Within>>>>,
}

type Within = Timer<Count<()>>;

/// As a timer, expires again and again. Drops what is in it after some time.
struct Count<T>(#[allow(dead_code)] T);

static COUNT: AtomicU32 = AtomicU32::new(0);
static LEFT: SetOnce<Within> = SetOnce::new();

impl<T: Send + Sync + 'static> Expire for Count<T> {
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<Jiffies> {
        COUNT.fetch_add(1, Relaxed);
        Some(1)
    }
}

impl<T: Send + Sync + 'static> Run for Count<T> {
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}

impl<T> Drop for Count<T> {
    fn drop(&mut self) {
        COUNT.fetch_add(1, Relaxed);
        fsleep(Delta::from_millis(10));
        COUNT.fetch_add(1, Relaxed);
    }
}

/// One in a static, which nothing drops.
fn timer_in_a_static_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    check!(LEFT.populate(Timer::new(&task, Count(()))?));
    LEFT.as_ref().ok_or(EINVAL)?.start(1);
    check!(wait_until(task, || COUNT.load(Relaxed) > 2));
    Ok(())
}

/// The module's value has one that has others in it, each of which is dropped by the end of another.
fn objects_within_objects_are_left_at_exit(_task: &mut TaskCx) -> Outcome {
    testlib::must_stop(&COUNT);
    Ok(())
}

impl kernel::Module for Tests {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: The kernel runs a module's init in process context, and this is the only token.
        let mut task = unsafe { TaskCx::assume() };
        testlib::run(
            &mut task,
            &[
                (
                    "timer_in_a_static_is_left_at_exit",
                    timer_in_a_static_is_left_at_exit,
                ),
                (
                    "objects_within_objects_are_left_at_exit",
                    objects_within_objects_are_left_at_exit,
                ),
            ],
        )?;
        let timer = Timer::new(&task, Count(()))?;
        let work = IrqWork::new(&task, Count(timer))?;
        let timer = Timer::new(&task, Count(work))?;
        timer.start(1);
        Ok(Self { _timer: timer })
    }
}
