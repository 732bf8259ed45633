// SPDX-License-Identifier: GPL-2.0

//! A part of each test module: KTAP output, checks, and what the tests ask of the kernel.

// No test module uses all of it.
#![allow(dead_code, unused_macros, unused_imports)]

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use kalloc::{dma, gfp, prelude::*, size};

/// testlib.ko, as bindgen sees it.
#[allow(
    clippy::all,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    unused_imports
)]
pub(crate) mod c {
    use kernel::ffi;
    include!(env!("KALLOC_TESTLIB"));
}

/// What differs between the series of kernels.
pub(crate) mod series {
    include!(concat!(env!("KALLOC_SERIES"), "/testlib.rs"));
}

/// Where `ZONE_DMA` ends: on arm64 at 4 GiB, unless the firmware names a device that reaches less.
pub(crate) const ZONE_DMA_END: u64 = if cfg!(CONFIG_X86) { 16 << 20 } else { 4 << 30 };

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
impl<F: gfp::Gfp> From<gfp::AllocFailed<F>> for Stop {
    fn from(failed: gfp::AllocFailed<F>) -> Self {
        Error::from(failed).into()
    }
}
impl<F: gfp::Gfp, T> From<gfp::AllocFailedWith<F, T>> for Stop {
    fn from(failed: gfp::AllocFailedWith<F, T>) -> Self {
        Error::from(failed).into()
    }
}
impl<M> From<dma::Busy<M>> for Stop {
    fn from(busy: dma::Busy<M>) -> Self {
        Error::from(busy).into()
    }
}
impl<B> From<dma::MapFailed<B>> for Stop {
    fn from(failed: dma::MapFailed<B>) -> Self {
        Error::from(failed).into()
    }
}
impl<B> From<dma::SgMapFailed<B>> for Stop {
    fn from(failed: dma::SgMapFailed<B>) -> Self {
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

pub(crate) type Test = (&'static str, fn(&mut TaskCx) -> Outcome);

/// Runs the tests and prints KTAP.
pub(crate) fn run(task: &mut TaskCx, tests: &[Test]) -> Result {
    let mut result = Ok(());
    pr_info!("KTAP version 1\n");
    pr_info!("1..{}\n", tests.len());
    for (number, (name, test)) in tests.iter().enumerate() {
        let before = counts();
        let mut outcome = test(task);
        if counts() != before {
            pr_info!(
                "# left another context behind: {:?}, {:?} before\n",
                counts(),
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

/// What a section changes, and must change back.
fn counts() -> (u32, bool, i32) {
    // SAFETY: None of them has preconditions.
    unsafe {
        (
            c::testlib_preempt_count(),
            c::testlib_irqs_disabled(),
            c::testlib_rcu_read_lock_held(),
        )
    }
}

/// Whether the code may be preempted, has interrupts off, is on the RCU read side.
pub(crate) fn place() -> (bool, bool, bool) {
    // SAFETY: None of them has preconditions.
    unsafe {
        (
            c::testlib_preemptible(),
            c::testlib_irqs_disabled(),
            c::testlib_rcu_read_lock_held() > 0,
        )
    }
}

pub(crate) const FREE: (bool, bool, bool) = (true, false, false);

/// Declares a test module of functions `fn(&mut TaskCx) -> Outcome`.
macro_rules! tests {
    ($name:literal: $($test:ident),* $(,)?) => {
        struct Tests;

        impl kalloc::Module for Tests {
            fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
                $crate::testlib::run(task, &[$((stringify!($test), $test)),*])?;
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

/// What the kmem: tracepoints saw of the current thread while `f` ran, without the interrupts that
/// came in between. In every context but an NMI.
pub(crate) fn traced<R>(f: impl FnOnce() -> R) -> (R, Trace) {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_kmem_trace_start() };
    let result = f();
    // SAFETY: It was started above.
    let len = unsafe { c::testlib_kmem_trace_stop() };
    (result, Trace { len })
}

/// The events that [`traced`] saw last.
pub(crate) struct Trace {
    len: usize,
}

impl Trace {
    pub(crate) fn events(&self) -> impl Iterator<Item = c::testlib_event> + Clone {
        // SAFETY: It has no preconditions.
        (0..self.len).map(|index| unsafe { c::testlib_kmem_trace_event(index) })
    }

    /// The first allocation that gave memory at `ptr`. (The kernel itself may allocate on the way.)
    pub(crate) fn allocation<T: ?Sized>(&self, ptr: *const T) -> Option<c::testlib_event> {
        self.events()
            .find(|event| !event.is_free && core::ptr::addr_eq(event.ptr, ptr))
    }

    /// How many events there were, but for frees of nothing, which the kernel ignores: what C calls
    /// `ZERO_OR_NULL_PTR()`.
    pub(crate) fn of_memory(&self) -> usize {
        self.events()
            .filter(|event| !event.is_free || event.ptr.addr() > 16)
            .count()
    }

    /// How often memory at `ptr` was freed.
    pub(crate) fn frees<T: ?Sized>(&self, ptr: *const T) -> usize {
        self.events()
            .filter(|event| event.is_free && core::ptr::addr_eq(event.ptr, ptr))
            .count()
    }
}

/// Whether `make` makes something, and the kernel was asked for its memory, which is `at` a place of
/// it, with those flags, as the kmem: tracepoints see it. In every context but an NMI.
pub(crate) fn asks_for<M, E>(
    gfp: kernel::bindings::gfp_t,
    make: impl FnOnce() -> Result<M, E>,
    at: impl FnOnce(&M) -> *const u8,
) -> bool {
    let (made, trace) = traced(make);
    made.is_ok_and(|made| {
        trace
            .allocation(at(&made))
            .is_some_and(|event| event.gfp == gfp)
    })
}

/// Checks that an expression is true in each context that has allocators and must not sleep: with a
/// lock held, with bottom halves off, in a real softirq, and off PREEMPT_RT with interrupts off and
/// in a real hard interrupt.
macro_rules! check_in_each_atomic_context {
    ($task:ident, |$cx:ident| $works:expr) => {{
        use kalloc::sync::{new_spinlock, new_spinlock_irq};
        use $crate::testlib::Place;

        let lock = KBox::pin_init(&$task, new_spinlock!(()))?;
        $crate::testlib::check!($task.locked(&lock, |(), $cx| $works));
        let lock = KBox::pin_init(&$task, new_spinlock_irq!(()))?;
        $crate::testlib::check!($task.locked_irq(&lock, |(), $cx| $works));
        $crate::testlib::check!($task.rcu_read(|_, $cx| $works));
        $crate::testlib::check!($task.bh_off(|$cx| $works));
        let (mut there, mut works) = (false, false);
        $crate::testlib::in_softirq(|$cx| {
            there = Place::here().is(Place::SOFTIRQ);
            works = $works;
        })?;
        $crate::testlib::check_eq!((there, works), (true, true));
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            $crate::testlib::check!($task.irqs_off(|$cx| $works));
            $crate::testlib::check!($task.preempt_off(|$cx| $works));
            let (mut there, mut works) = (false, false);
            $crate::testlib::in_hardirq(|$cx| {
                there = Place::here().is(Place::HARDIRQ);
                works = $works;
            })?;
            $crate::testlib::check_eq!((there, works), (true, true));
        }
    }};
}
pub(crate) use check_in_each_atomic_context;

/// What the kmem: tracepoints saw of the pages of the current thread while `f` ran.
pub(crate) fn pages_traced<R>(f: impl FnOnce() -> R) -> (R, PageTrace) {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_page_trace_start() };
    let result = f();
    // SAFETY: It was started above.
    let len = unsafe { c::testlib_page_trace_stop() };
    (result, PageTrace { len })
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

/// Says to lockdep, in a hard interrupt that PREEMPT_RT does not thread, that what comes is not for
/// PREEMPT_RT: there it does not compile, and lockdep forbids it on every kernel.
pub(crate) fn not_for_rt() {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_not_for_rt() }
}

/// How often to do again what is `many` times too much for the machine if memory stays behind: a
/// part of it where KASAN makes it slow, and kmemleak looks.
pub(crate) const fn rounds(many: usize) -> usize {
    if cfg!(CONFIG_KASAN) {
        many.div_ceil(20)
    } else {
        many
    }
}

/// Functions that run `f` somewhere else, with the token of that context.
macro_rules! run_in {
    ($($(#[$doc:meta])* $name:ident: $token:ty, $run:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name<F: FnMut(&mut $token)>(mut f: F) -> Outcome {
            extern "C" fn handler<F: FnMut(&mut $token)>(data: *mut kernel::ffi::c_void) {
                // SAFETY: It is the closure below, which nobody else calls meanwhile.
                let f = unsafe { &mut *data.cast::<F>() };
                // SAFETY: The code runs in the context of this token, and no other is in reach.
                f(&mut unsafe { <$token>::assume() })
            }
            // SAFETY: The closure lives until the handler has run.
            interrupted(unsafe { c::$run(Some(handler::<F>), (&raw mut f).cast()) })
        }
    )*};
}

run_in! {
    /// Runs `f` in a real NMI on this CPU.
    in_nmi: NmiCx<'_>, testlib_run_in_nmi;
    /// Runs `f` in a real softirq.
    in_softirq: BhCx<'_>, testlib_run_in_softirq;
    /// Runs `f` in a worker of a queue that has to make progress when memory is short.
    in_reclaim_worker: TaskCx, testlib_run_in_reclaim_worker;
    /// Runs `f` in a real hard interrupt on this CPU, which no kernel threads.
    in_hardirq: RawCx<'_>, testlib_run_in_hardirq;
}

/// As [`in_nmi`], and whether it was: for a test of which an NMI is a part, on a kernel whose drivers have none.
pub(crate) fn in_nmi_if_any<F: FnMut(&mut NmiCx<'_>)>(f: F) -> Result<bool, Stop> {
    if cfg!(not(CONFIG_X86)) {
        return Ok(false);
    }
    in_nmi(f)?;
    Ok(true)
}

/// How many contexts [`drop_in`] knows.
pub(crate) const DROP_PLACES: u32 = 5;

/// Drops a value: in process context, with a lock held, with interrupts off, in a softirq or in a hard
/// interrupt, as `place` says.
pub(crate) fn drop_in<T>(task: &mut TaskCx, place: u32, value: T) -> Outcome {
    let lock = KBox::pin_init(&task, kernel::new_spinlock!(()))?;
    let mut value = Some(value);
    match place {
        0 => drop(value.take()),
        1 => task.locked(&lock, |(), _cx| drop(value.take())),
        2 => task.irqs_off(|_cx| drop(value.take())),
        3 => in_softirq(|_cx| drop(value.take()))?,
        _ => in_hardirq(|_cx| drop(value.take()))?,
    }
    check!(value.is_none());
    Ok(())
}

/// Runs `work` again and again while NMIs that another CPU sends run `nmi`, `count` of them.
pub(crate) fn nmi_storm<W: Fn(), N: Fn(&mut NmiCx<'_>)>(count: u32, work: W, nmi: N) -> Outcome {
    extern "C" fn worker<W: Fn()>(data: *mut kernel::ffi::c_void) {
        // SAFETY: It is the closure below.
        let f = unsafe { &*data.cast::<W>() };
        f()
    }
    extern "C" fn handler<N: Fn(&mut NmiCx<'_>)>(data: *mut kernel::ffi::c_void) {
        // SAFETY: It is the closure below.
        let f = unsafe { &*data.cast::<N>() };
        // SAFETY: This runs in an NMI handler, and no other token is in reach.
        f(&mut unsafe { NmiCx::assume() })
    }
    // SAFETY: The closures live until the last NMI has run.
    interrupted(unsafe {
        c::testlib_nmi_storm(
            count,
            Some(worker::<W>),
            (&raw const work).cast_mut().cast(),
            Some(handler::<N>),
            (&raw const nmi).cast_mut().cast(),
        )
    })
}

/// Runs `f`, in which the first call of a function of the kernel returns NULL, as if there were no
/// memory.
pub(crate) fn refused<R>(function: &'static CStr, f: impl FnOnce() -> R) -> Result<R, Stop> {
    use kernel::str::CStrExt as _;
    // SAFETY: A string that stays.
    if !unsafe { c::testlib_null_start(function.as_char_ptr()) } {
        return Err(Stop::Skip("no kprobe there"));
    }
    let result = f();
    // SAFETY: It was started above.
    if unsafe { c::testlib_null_stop() } {
        Ok(result)
    } else {
        pr_info!("# nobody asked\n");
        Err(Stop::Fail)
    }
}

/// What the per-CPU allocator was asked for first while `f` ran: flags, size and alignment.
pub(crate) fn percpu_traced<R>(f: impl FnOnce() -> R) -> (R, (u32, usize, usize)) {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_percpu_trace_start() };
    let result = f();
    // SAFETY: It was started above.
    unsafe { c::testlib_percpu_trace_stop() };
    // SAFETY: It has no preconditions.
    let event = unsafe { c::testlib_percpu_trace_event(0) };
    (result, (event.gfp, event.size, event.align))
}

/// Runs `f` while no work item of its CPU can do for it what it puts off.
pub(crate) fn run_first<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_run_first(true) };
    let result = f();
    // SAFETY: As above.
    unsafe { c::testlib_run_first(false) };
    result
}

/// Has the kernel warn if `count` changes once the module has ended.
pub(crate) fn must_stop(count: &'static AtomicU32) {
    // SAFETY: It is valid until after the end of the module, which is when it is looked at last.
    unsafe { c::testlib_must_stop((&raw const *count).cast()) }
}

/// Waits until all is freed that was handed to `kfree_rcu()` before.
pub(crate) fn kvfree_rcu_barrier() {
    // SAFETY: It is called in process context.
    unsafe { c::testlib_kvfree_rcu_barrier() }
}

/// The free memory of the system in pages.
pub(crate) fn free_pages() -> usize {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_free_pages() }
}

/// Runs `there` in a thread on another CPU while `here` runs on this one, and waits for both.
pub(crate) fn on_another_cpu<T: FnMut(&mut TaskCx) + Send, H: FnMut()>(
    mut there: T,
    mut here: H,
) -> Outcome {
    extern "C" fn run_there<T: FnMut(&mut TaskCx)>(data: *mut kernel::ffi::c_void) {
        // SAFETY: It is the closure below.
        let f = unsafe { &mut *data.cast::<T>() };
        // SAFETY: This runs in a thread of its own, and no other token is in reach.
        f(&mut unsafe { TaskCx::assume() })
    }
    extern "C" fn run_here<H: FnMut()>(data: *mut kernel::ffi::c_void) {
        // SAFETY: It is the closure below.
        let f = unsafe { &mut *data.cast::<H>() };
        f()
    }
    // SAFETY: The closures live until both have run.
    interrupted(unsafe {
        c::testlib_on_another_cpu(
            Some(run_there::<T>),
            (&raw mut there).cast(),
            Some(run_here::<H>),
            (&raw mut here).cast(),
        )
    })
}

/// The module that this file is a part of.
pub(crate) fn this_module() -> &'static ThisModule {
    extern "C" {
        static __this_module: kernel::types::Opaque<u8>;
    }
    // SAFETY: modpost defines the symbol in each module.
    static THIS: ThisModule = unsafe {
        ThisModule::from_ptr(kernel::types::Opaque::cast_into(&raw const __this_module).cast())
    };
    &THIS
}

/// Lets others run.
pub(crate) fn cond_resched() {
    // SAFETY: It is called in process context.
    unsafe { c::testlib_cond_resched() }
}

/// Waits busily.
pub(crate) fn udelay(us: u32) {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_udelay(us) }
}

fn interrupted(result: kernel::ffi::c_int) -> Outcome {
    match kernel::error::to_result(result) {
        Err(error) if error == ENOTSUPP => Err(Stop::Skip("no such interrupt here")),
        result => Ok(result?),
    }
}

/// Whether this runs in an NMI.
pub(crate) fn is_in_nmi() -> bool {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_in_nmi() }
}

/// Whether this runs in a hard interrupt.
pub(crate) fn is_in_hardirq() -> bool {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_in_hardirq() }
}

/// Counts how often it is dropped.
#[derive(Clone)]
pub(crate) struct Counted<'a>(pub(crate) &'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// In which order things were dropped: the hexadecimal digit of each, one after the other.
pub(crate) struct DropOrder(core::sync::atomic::AtomicU64);

impl DropOrder {
    pub(crate) const fn new() -> Self {
        Self(core::sync::atomic::AtomicU64::new(0))
    }

    /// What says its digit, 1 to 15, when it is dropped.
    pub(crate) fn digit(&self, digit: usize) -> Digit<'_> {
        Digit(self, digit as u64)
    }

    /// The digits so far; from here on it is about what is dropped next.
    pub(crate) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

pub(crate) struct Digit<'a>(&'a DropOrder, u64);

impl Drop for Digit<'_> {
    fn drop(&mut self) {
        let digits = self.0 .0.load(Ordering::Relaxed);
        self.0 .0.store(digits << 4 | self.1, Ordering::Relaxed);
    }
}

type Large = KBox<[u8; 4 << 20]>;

/// The largest pieces that there are, until there are none: what a failure needs on a kernel
/// without fault injection.
pub(crate) fn all_large_memory(task: &mut TaskCx) -> Result<KBox<[Option<Large>]>, Stop> {
    let mut hoard = KBox::from_fn(&task, 1024, |_| None)?;
    for place in hoard.iter_mut() {
        let Ok(memory) = Large::new_uninit(task.with(GFP_NORECLAIM.nowarn())) else {
            return Ok(hoard);
        };
        // SAFETY: Bytes that nobody reads.
        *place = Some(unsafe { memory.assume_init() });
    }
    Err(Stop::Skip("more memory than this test takes"))
}

/// Whether a `byte` is among the first bytes of memory of kmalloc that was just freed. The allocator
/// itself keeps a pointer in free memory, in the middle, and on a kernel that frees to the CPU's own
/// list nobody else has had the memory since.
pub(crate) fn freed_memory_begins_with(memory: *const u8, byte: u8) -> bool {
    let mut left = [0; 16];
    // SAFETY: Memory of the direct map can be read, whoever has it.
    unsafe { c::testlib_peek(memory.cast(), left.as_mut_ptr().cast(), left.len()) };
    left.contains(&byte)
}

/// Where the code runs, as the kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Place {
    pub(crate) const HARDIRQ: u32 = 1;
    pub(crate) const NMI: u32 = 2;
    pub(crate) const SOFTIRQ: u32 = 4;
    pub(crate) const IRQS_OFF: u32 = 8;
    pub(crate) const PREEMPTIBLE: u32 = 16;
    pub(crate) const IRQ_THREAD: u32 = 32;

    /// Here.
    pub(crate) fn here() -> Self {
        // SAFETY: None of them has preconditions.
        let facts = unsafe {
            [
                (c::testlib_in_hardirq(), Self::HARDIRQ),
                (c::testlib_in_nmi(), Self::NMI),
                (c::testlib_in_serving_softirq(), Self::SOFTIRQ),
                (c::testlib_irqs_disabled(), Self::IRQS_OFF),
                (c::testlib_preemptible(), Self::PREEMPTIBLE),
                (c::testlib_in_irq_thread(), Self::IRQ_THREAD),
            ]
        };
        Self(facts.iter().map(|(is, bit)| u32::from(*is) * bit).sum())
    }

    pub(crate) fn is(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// How often code has run, and where it did last. For code in any context.
#[derive(Debug)]
pub(crate) struct Seen(AtomicU32, AtomicU32);

impl Seen {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0), AtomicU32::new(0))
    }

    /// Here, once more.
    pub(crate) fn here(&self) {
        self.1.store(Place::here().0, Ordering::Relaxed);
        self.0.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn times(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn place(&self) -> Place {
        Place(self.1.load(Ordering::Relaxed))
    }
}

// SAFETY: It is two atomics.
unsafe impl kalloc::context::NmiSafe for Seen {}

/// Waits until something is true, up to some seconds. Whether it is.
pub(crate) fn wait_until<C: MaySleep>(_cx: &C, is: impl Fn() -> bool) -> bool {
    for _ in 0..10_000 {
        if is() {
            return true;
        }
        kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
    }
    is()
}
