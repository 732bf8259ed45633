// SPDX-License-Identifier: GPL-2.0

//! A module of the kernel crate's `module!` that calls kalloc's start of a module by hand. Only its init
//! may do so, once and where it may sleep. The module ends in the module notifier and not before.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    __macro::{Root, Spec},
    prelude::*,
};
use testlib::{check, check_eq, check_in_each_atomic_context, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

kernel::prelude::module! {
    type: Tests,
    name: "test_start",
    authors: ["The kalloc authors"],
    description: "Tests of kalloc",
    license: "GPL",
}

/// How often the module was started, and ended.
static INIT: AtomicU32 = AtomicU32::new(0);
static EXIT: AtomicU32 = AtomicU32::new(0);

kernel::sync::global_lock! {
    // SAFETY: The module's init initialises it first.
    unsafe(uninit) static ROOT: Mutex<Option<Root<Tests>>> = None;
}

struct Started(#[allow(dead_code)] KBox<u32>);

impl kalloc::Module for Started {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        INIT.fetch_add(1, Relaxed);
        Ok(Self(KBox::new(&task, 0)?))
    }

    fn exit(self, _task: &mut TaskCx) {
        EXIT.fetch_add(1, Relaxed);
    }
}

impl Spec for Tests {
    type Main = Started;
    type Pools = ();
    type Drivers = ();
    const NAME: &'static CStr = c"test_start";
    const DRIVER_NAMES: &'static [Option<&'static CStr>] = &[];
}

fn start() -> Result<Root<Tests>> {
    Root::start(testlib::this_module())
}

fn is_busy() -> bool {
    matches!(start(), Err(err) if err == EBUSY)
}

/// A work item that runs while init waits for it.
fn another_task_does_not_start(_task: &mut TaskCx) -> Outcome {
    let mut busy = false;
    testlib::in_reclaim_worker(|_| busy = is_busy())?;
    check_eq!((busy, INIT.load(Relaxed)), (true, 0));
    Ok(())
}

fn init_does_not_start_where_it_must_not_sleep(task: &mut TaskCx) -> Outcome {
    check_in_each_atomic_context!(task, |_cx| is_busy());
    check_eq!(INIT.load(Relaxed), 0);
    Ok(())
}

fn init_starts_once(_task: &mut TaskCx) -> Outcome {
    *ROOT.lock() = Some(start()?);
    check_eq!(INIT.load(Relaxed), 1);
    check!(is_busy());
    check_eq!(INIT.load(Relaxed), 1);
    Ok(())
}

/// The check takes no lock that sleeps.
fn started_module_is_busy_in_each_context(task: &mut TaskCx) -> Outcome {
    check_in_each_atomic_context!(task, |_cx| is_busy());
    let mut busy = false;
    check_eq!(testlib::in_nmi_if_any(|_| busy = is_busy())?, busy);
    Ok(())
}

struct Tests;

impl kernel::Module for Tests {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: This is the first use of the lock, and init runs once.
        unsafe { ROOT.init() };
        // SAFETY: The kernel runs a module's init in process context. The token of `Started`'s init is
        // in a call that ends before this one is used again.
        let mut task = unsafe { TaskCx::assume() };
        testlib::run(
            &mut task,
            &[
                ("another_task_does_not_start", another_task_does_not_start),
                (
                    "init_does_not_start_where_it_must_not_sleep",
                    init_does_not_start_where_it_must_not_sleep,
                ),
                ("init_starts_once", init_starts_once),
                (
                    "started_module_is_busy_in_each_context",
                    started_module_is_busy_in_each_context,
                ),
            ],
        )?;
        Ok(Self)
    }
}

impl Drop for Tests {
    fn drop(&mut self) {
        // The module is not at its end before the notifier, which waits for what runs in the module.
        drop(ROOT.lock().take());
        kernel::warn_on!(EXIT.load(Relaxed) != 0);
    }
}
