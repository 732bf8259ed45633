// SPDX-License-Identifier: GPL-2.0

//! A part of each test module: KTAP output, checks, and what the tests ask of the kernel.

// No test module uses all of it.
#![allow(dead_code, unused_macros, unused_imports)]

use kalloc::{gfp, prelude::*, size};

/// testlib.ko, as bindgen sees it.
#[allow(clippy::all, missing_docs, unreachable_pub, unused_imports)]
pub(crate) mod c {
    use kernel::ffi;
    include!(env!("KALLOC_TESTLIB"));
}

/// Why a test ends before its end.
pub(crate) enum Stop {
    Fail,
    Skip(&'static str),
}

pub(crate) type Outcome = Result<(), Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        pr_info!("# unexpected error {:?}\n", error);
        Stop::Fail
    }
}
impl From<size::Overflow> for Stop {
    fn from(overflow: size::Overflow) -> Self {
        Error::from(overflow).into()
    }
}
impl<F: gfp::Gfp> From<gfp::Failed<F>> for Stop {
    fn from(failed: gfp::Failed<F>) -> Self {
        Error::from(failed).into()
    }
}
impl<F: gfp::Gfp, T> From<gfp::FailedWith<F, T>> for Stop {
    fn from(failed: gfp::FailedWith<F, T>) -> Self {
        Error::from(failed).into()
    }
}

/// Ends the test as failed where a condition is false.
macro_rules! check {
    ($condition:expr) => {
        if !$condition {
            pr_info!(
                "# {}:{}: not true: {}\n",
                file!(),
                line!(),
                stringify!($condition)
            );
            return Err($crate::testlib::Stop::Fail);
        }
    };
}

/// Ends the test as failed where two values differ.
macro_rules! check_eq {
    ($left:expr, $right:expr) => {
        match (&$left, &$right) {
            (left, right) => {
                if *left != *right {
                    pr_info!(
                        "# {}:{}: {} is {:?}, {} is {:?}\n",
                        file!(),
                        line!(),
                        stringify!($left),
                        left,
                        stringify!($right),
                        right
                    );
                    return Err($crate::testlib::Stop::Fail);
                }
            }
        }
    };
}
pub(crate) use {check, check_eq};

pub(crate) type Test = (&'static str, fn(&mut Task) -> Outcome);

/// Runs the tests and prints KTAP.
pub(crate) fn run(task: &mut Task, tests: &[Test]) -> Result {
    let mut result = Ok(());
    pr_info!("KTAP version 1\n");
    pr_info!("1..{}\n", tests.len());
    for (number, (name, test)) in tests.iter().enumerate() {
        let before = place();
        let mut outcome = test(task);
        if place() != before {
            pr_info!(
                "# left another context behind: {:?}, {:?} before\n",
                place(),
                before
            );
            outcome = Err(Stop::Fail);
        }
        match outcome {
            Ok(()) => pr_info!("ok {} {}\n", number + 1, name),
            Err(Stop::Skip(why)) => pr_info!("ok {} {} # SKIP {}\n", number + 1, name, why),
            Err(Stop::Fail) => {
                pr_info!("not ok {} {}\n", number + 1, name);
                result = Err(EINVAL);
            }
        }
    }
    result
}

/// Where the code runs: what a section changes, and must change back.
fn place() -> (u32, bool, i32) {
    // SAFETY: None of them has preconditions.
    unsafe {
        (
            c::testlib_preempt_count(),
            c::testlib_irqs_disabled(),
            c::testlib_rcu_read_lock_held(),
        )
    }
}

/// Declares a test module of functions `fn(&mut Task) -> Outcome`.
macro_rules! tests {
    ($name:literal: $($test:ident),* $(,)?) => {
        struct Tests;

        impl kalloc::Module for Tests {
            fn init(_module: &'static ThisModule, mut task: Task) -> Result<Self> {
                $crate::testlib::run(&mut task, &[$((stringify!($test), $test)),*])?;
                Ok(Tests)
            }
        }

        kalloc::module! {
            type: Tests,
            name: $name,
            authors: ["The kalloc authors"],
            description: "kalloc tests",
            license: "GPL",
        }
    };
}
pub(crate) use tests;

/// What the kmem: tracepoints saw of the current thread while `f` ran.
pub(crate) fn traced<R>(f: impl FnOnce() -> R) -> Result<(R, Trace)> {
    // SAFETY: It has no preconditions.
    kernel::error::to_result(unsafe { c::testlib_trace_start() })?;
    let result = f();
    // SAFETY: It was started above.
    let len = unsafe { c::testlib_trace_stop() };
    Ok((result, Trace { len }))
}

/// The events that [`traced`] saw last.
pub(crate) struct Trace {
    len: usize,
}

impl Trace {
    pub(crate) fn events(&self) -> impl Iterator<Item = c::testlib_event> {
        // SAFETY: It has no preconditions.
        (0..self.len).map(|index| unsafe { c::testlib_trace_event(index) })
    }

    /// The first allocation that gave memory at `ptr`. (The kernel itself may allocate on the way.)
    pub(crate) fn allocation<T: ?Sized>(&self, ptr: *const T) -> Option<c::testlib_event> {
        self.events()
            .find(|event| !event.is_free && core::ptr::addr_eq(event.ptr, ptr))
    }

    /// How often memory at `ptr` was freed.
    pub(crate) fn frees<T: ?Sized>(&self, ptr: *const T) -> usize {
        self.events()
            .filter(|event| event.is_free && core::ptr::addr_eq(event.ptr, ptr))
            .count()
    }
}

/// What the kmem: tracepoints saw of the pages of the current thread while `f` ran.
pub(crate) fn pages_traced<R>(f: impl FnOnce() -> R) -> Result<(R, PageTrace)> {
    // SAFETY: It has no preconditions.
    kernel::error::to_result(unsafe { c::testlib_page_trace_start() })?;
    let result = f();
    // SAFETY: It was started above.
    let len = unsafe { c::testlib_page_trace_stop() };
    Ok((result, PageTrace { len }))
}

/// The events that [`pages_traced`] saw last.
pub(crate) struct PageTrace {
    len: usize,
}

impl PageTrace {
    pub(crate) fn events(&self) -> impl Iterator<Item = c::testlib_page_event> {
        // SAFETY: It has no preconditions.
        (0..self.len).map(|index| unsafe { c::testlib_page_trace_event(index) })
    }

    /// The flags and the order of the first allocation that gave the page frame.
    pub(crate) fn allocation(&self, pfn: usize) -> Option<(kernel::bindings::gfp_t, u32)> {
        self.events()
            .find(|event| !event.is_free && event.pfn == pfn)
            .map(|event| (event.gfp, event.order))
    }

    /// How often the page frame was freed with that order.
    pub(crate) fn frees(&self, pfn: usize, order: u32) -> usize {
        self.events()
            .filter(|event| event.is_free && event.pfn == pfn && event.order == order)
            .count()
    }
}

/// The local mappings that the current thread made and ended while `f` ran: page frame, and whether
/// it is the end.
pub(crate) fn maps_traced<R>(
    f: impl FnOnce() -> R,
) -> Result<(R, impl Iterator<Item = (usize, bool)>)> {
    // SAFETY: It has no preconditions.
    kernel::error::to_result(unsafe { c::testlib_map_trace_start() })?;
    let result = f();
    // SAFETY: It was started above.
    let len = unsafe { c::testlib_map_trace_stop() };
    let events = (0..len).map(|index| {
        // SAFETY: It has no preconditions.
        let event = unsafe { c::testlib_map_trace_event(index) };
        (event.pfn, event.is_unmap)
    });
    Ok((result, events))
}
