// SPDX-License-Identifier: GPL-2.0

//! Interrupt handlers: each runs on an interrupt of a real device, QEMU's `edu`, in the context that
//! its token says.

use core::{
    marker::PhantomData,
    ptr,
    sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering::Relaxed},
};
use kalloc::{
    driver::{BoundScope, Register},
    irq::{
        AllocVectors, Flags, Handler, Hard, IrqReturn, ThreadedHandler, ThreadedIrqReturn, Vectors,
    },
    pci,
    prelude::*,
};
use kernel::{
    device::{Bound, Core},
    io::Io,
    pci::{Bar, Device, DeviceId, IrqType, IrqTypes},
    time::{delay::fsleep, Delta},
};
use testlib::{c, check, check_eq, not_for_rt, wait_until, Outcome, Place, Seen, Stop};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_irq":
    intx_handler_gets_irq,
    msi_handler_gets_irq,
    unthreaded_handler_gets_raw,
    percpu_handler_gets_raw,
    threaded_handler,
    oneshot_keeps_the_hard_handler_hard,
    unthreaded_with_a_thread,
    memory_from_a_handler_reaches_process_context,
    vectors_are_allocated_once,
    vectors_dropped_with_a_lock_held,
    line_is_shared,
    line_that_is_not_shared_is_busy,
    line_that_is_never_threaded,
    failed_probe_frees_the_lines,
    unbind_while_interrupts_come,
}

const VENDOR: u16 = 0x1234;
const DEVICE: u32 = 0x11e8;

// Registers of the device.
const STATUS: usize = 0x24;
const RAISE: usize = 0x60;
const ACKNOWLEDGE: usize = 0x64;

kernel::pci_device_table!(
    TABLE,
    (),
    [(DeviceId::from_id(pci::vendor(VENDOR), DEVICE), ())]
);

/// A test that runs when the device is bound, and what came of it.
trait Case: Send + Sync + Sized + 'static {
    const TYPE: IrqType;
    /// What runs in probe, before there are vectors.
    const BEFORE: fn(&mut TaskCx, &Device<Bound>) -> Outcome = |_, _| Ok(());

    fn run<'d>(edu: &'d Edu<'_, Self>, binding: &mut BoundScope<'d>, task: &mut TaskCx) -> Outcome;
    fn outcome() -> &'static AtomicU32;
}

const PASSED: u32 = 1;
const FAILED: u32 = 2;
const SKIPPED: u32 = 3;

/// A line had a handler, or ran one, when the data that the handler uses was dropped.
static LEFT_BEHIND: AtomicU32 = AtomicU32::new(0);

#[pin_data(PinnedDrop)]
struct Edu<'bound, C> {
    hard: Seen,
    thread: Seen,
    /// How many interrupts the handler is to raise by itself.
    more: AtomicU32,
    irq: AtomicU32,
    /// The line's handlers are threaded on no kernel, so on PREEMPT_RT this one is not there.
    never_threaded: AtomicBool,
    /// A box of the handler's, on its way to process context.
    memory: AtomicPtr<u32>,
    pool: ObjPool<u32>,
    second: Second,
    bar: Bar<'bound, 0x100>,
    vectors: Vectors<'bound>,
    _case: PhantomData<fn() -> C>,
}

/// Another handler of the line.
struct Second(Seen);

impl Handler for Second {
    fn handle(&self, _cx: &mut IrqCx<'_>) -> IrqReturn {
        self.0.here();
        IrqReturn::None
    }
}

#[pinned_drop]
impl<C> PinnedDrop for Edu<'_, C> {
    fn drop(self: Pin<&mut Self>) {
        // No handler comes any more that would put another.
        drop(take(&self.memory));
        let irq = self.irq.load(Relaxed);
        // SAFETY: It has no preconditions.
        if unsafe { c::testlib_irq_has_action(irq) } {
            LEFT_BEHIND.fetch_add(1, Relaxed);
        }
        // What the device has sent arrives while there is a vector for it: the driver of the GIC warns otherwise.
        fsleep(Delta::from_millis(20));
    }
}

impl<C> Edu<'_, C> {
    /// Whether the device has raised the interrupt, which is over then.
    fn acknowledge(&self) -> bool {
        let status = self.bar.read32(STATUS);
        self.bar.write32(status, ACKNOWLEDGE);
        if self.more.load(Relaxed) > 0 {
            self.more.fetch_sub(1, Relaxed);
            self.bar.write32(1, RAISE);
        }
        status != 0
    }

    fn raise(&self) {
        self.bar.write32(1, RAISE);
    }

    /// Raises an interrupt and waits until it has been handled.
    fn raise_and_wait(&self, task: &TaskCx) -> Outcome {
        let before = self.hard.times();
        self.raise();
        check!(wait_until(task, || self.hard.times() > before));
        Ok(())
    }

    fn line(&self) -> Result<kernel::pci::IrqVector<'_>> {
        self.vectors.index(0)
    }
}

/// Takes the box of a handler from its place in process context.
fn take(memory: &AtomicPtr<u32>) -> Option<KBox<u32>> {
    let raw = memory.swap(ptr::null_mut(), core::sync::atomic::Ordering::Acquire);
    // SAFETY: It came from `into_raw`, and was taken out of the place.
    (!raw.is_null()).then(|| unsafe { KBox::from_raw(raw) })
}

fn put(memory: &AtomicPtr<u32>, value: KBox<u32>) {
    let old = memory.swap(value.into_raw(), core::sync::atomic::Ordering::AcqRel);
    if !old.is_null() {
        // SAFETY: It came from `into_raw`, and was taken out of the place.
        drop(unsafe { KBox::from_raw(old) });
    }
}

fn returned(came: bool) -> IrqReturn {
    if came {
        IrqReturn::Handled
    } else {
        IrqReturn::None
    }
}

impl<C> Handler for Edu<'_, C> {
    fn handle(&self, cx: &mut IrqCx<'_>) -> IrqReturn {
        let came = self.acknowledge();
        if came {
            if self.never_threaded.load(Relaxed) {
                not_for_rt();
            }
            if let Ok(memory) = KBox::new(&cx, 0x1234_5678u32) {
                put(&self.memory, memory);
            }
            self.hard.here();
        }
        returned(came)
    }
}

impl<C> Edu<'_, C> {
    /// What a hard handler can do on every kernel, and what on this one.
    fn raw(&self, _cx: &mut RawCx<'_>) -> bool {
        let came = self.acknowledge();
        if came {
            if let Some(mut object) = self.pool.pop() {
                *object += 1;
            }
            #[cfg(not(CONFIG_PREEMPT_RT))]
            {
                not_for_rt();
                if let Ok(memory) = KBox::new(&_cx, 0x1234_5678u32) {
                    put(&self.memory, memory);
                }
            }
            self.hard.here();
        }
        came
    }

    fn in_thread(&self, task: &mut TaskCx) -> IrqReturn {
        // It sleeps, for a moment.
        fsleep(Delta::from_millis(1));
        if let Ok(memory) = KBox::new(&task, 0x1234_5678u32) {
            put(&self.memory, memory);
        }
        self.thread.here();
        IrqReturn::Handled
    }
}

impl<C> Handler<Hard> for Edu<'_, C> {
    fn handle(&self, cx: &mut RawCx<'_>) -> IrqReturn {
        returned(self.raw(cx))
    }
}

impl<C> ThreadedHandler for Edu<'_, C> {
    fn handle(&self, _cx: &mut IrqCx<'_>) -> ThreadedIrqReturn {
        if !self.acknowledge() {
            return ThreadedIrqReturn::None;
        }
        self.hard.here();
        ThreadedIrqReturn::WakeThread
    }

    fn handle_threaded(&self, task: &mut TaskCx) -> IrqReturn {
        self.in_thread(task)
    }
}

impl<C> ThreadedHandler<Hard> for Edu<'_, C> {
    fn handle(&self, cx: &mut RawCx<'_>) -> ThreadedIrqReturn {
        if !self.raw(cx) {
            return ThreadedIrqReturn::None;
        }
        ThreadedIrqReturn::WakeThread
    }

    fn handle_threaded(&self, task: &mut TaskCx) -> IrqReturn {
        self.in_thread(task)
    }
}

/// How a second allocation of vectors ended.
static SECOND: AtomicI32 = AtomicI32::new(0);

/// Vectors of any type while the device has some, and after.
fn twice(task: &mut TaskCx, dev: &Device<Bound>) -> Outcome {
    let message = IrqTypes::default().with(IrqType::Msi);
    // Those of the kernel crate's function, with which kalloc's are not to be mixed.
    let first = dev.alloc_irq_vectors(1, 1, message)?;
    let second = dev.irq_vectors(task, 1, 1, IrqTypes::all());
    check_eq!(second.map(drop), Err(EBUSY));
    drop(first);
    // A try that fails leaves nothing behind.
    check!(dev.irq_vectors(task, 64, 64, message).is_err());
    drop(dev.irq_vectors(task, 1, 1, message)?);
    // In two threads at once: one of them has vectors, or none.
    let (here, there) = (AtomicU32::new(0), AtomicU32::new(0));
    let (holders, most) = (AtomicU32::new(0), AtomicU32::new(0));
    let race = |task: &mut TaskCx, times: &AtomicU32| {
        for _ in 0..1_000_000 {
            if times.load(Relaxed) == 50 {
                break;
            }
            if let Ok(vectors) = dev.irq_vectors(task, 1, 1, message) {
                most.fetch_max(holders.fetch_add(1, Relaxed) + 1, Relaxed);
                holders.fetch_sub(1, Relaxed);
                times.fetch_add(1, Relaxed);
                drop(vectors);
            }
        }
    };
    testlib::on_another_cpu(|task| race(task, &there), || race(task, &here))?;
    check_eq!((here.load(Relaxed), there.load(Relaxed)), (50, 50));
    check_eq!(most.load(Relaxed), 1);
    Ok(())
}

struct Driver<C>(PhantomData<C>);

impl<C: Case> pci::Driver for Driver<C> {
    type IdInfo = ();
    type Data<'bound> = Edu<'bound, C>;
    const ID_TABLE: kernel::pci::IdTable<()> = &TABLE;

    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self::Data<'bound>, Error> {
        try_pin_init!(Edu {
            _: {
                dev.enable_device_mem()?;
                // Message-signalled interrupts are writes of the device.
                dev.set_master();
                (C::BEFORE)(task, dev).map_err(|_| EIO)?;
            },
            hard: Seen::new(),
            thread: Seen::new(),
            more: AtomicU32::new(0),
            irq: AtomicU32::new(0),
            never_threaded: AtomicBool::new(false),
            memory: AtomicPtr::new(ptr::null_mut()),
            pool: ObjPool::new(&task, 4, |_| 0)?,
            second: Second(Seen::new()),
            bar: dev.iomap_region_sized(0, c"kalloc_edu")?,
            vectors: {
                let types = IrqTypes::default().with(C::TYPE);
                let vectors = dev.irq_vectors(&task, 1, 1, types)?;
                // Of whatever type: those are freed when the first ones are, and not before.
                let again = dev.irq_vectors(&task, 1, 1, IrqTypes::all());
                SECOND.store(again.map_or_else(Error::to_errno, |_| 0), Relaxed);
                vectors
            },
            _case: PhantomData,
        })
    }

    fn start<'d, 'bound>(
        _dev: &'bound Device<Bound>,
        this: Pin<&'d Self::Data<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let edu = this.get_ref();
        let line: kalloc::irq::IrqRequest<'_> = edu.line()?.into();
        edu.irq.store(line.irq(), Relaxed);
        let outcome = match C::run(edu, binding, task) {
            Ok(()) => PASSED,
            Err(Stop::Fail) => FAILED,
            Err(Stop::Skip(_)) => SKIPPED,
        };
        C::outcome().store(outcome, Relaxed);
        if outcome == SKIPPED {
            return Err(ENODEV);
        }
        Ok(())
    }
}

fn is_there() -> bool {
    // SAFETY: It takes a reference, which is put below.
    let device =
        unsafe { kernel::bindings::pci_get_device(VENDOR.into(), DEVICE, ptr::null_mut()) };
    // SAFETY: It is NULL, or was taken above.
    unsafe { kernel::bindings::pci_dev_put(device) };
    !device.is_null()
}

/// Binds the device to the driver of the test, and takes it away again.
fn run<C: Case>(task: &mut TaskCx) -> Outcome {
    if !is_there() {
        return Err(Stop::Skip("no edu device here"));
    }
    C::outcome().store(0, Relaxed);
    let module = testlib::this_module();
    // SAFETY: The initialiser runs here, in process context, and the driver ends here too.
    let driver = unsafe { pci::Registration::<Driver<C>>::register(c"kalloc_test_irq", module) };
    drop(KBox::pin_init(&task, driver)?);
    check_eq!(LEFT_BEHIND.swap(0, Relaxed), 0);
    match C::outcome().load(Relaxed) {
        PASSED => Ok(()),
        SKIPPED => Err(Stop::Skip("not on this kernel")),
        0 => {
            pr_info!("# the device was not bound\n");
            Err(Stop::Fail)
        }
        _ => Err(Stop::Fail),
    }
}

macro_rules! case {
    ($test:ident, $case:ident, $type:ident, |$edu:ident, $binding:ident, $task:ident| $body:block) => {
        struct $case;

        impl Case for $case {
            const TYPE: IrqType = IrqType::$type;

            fn run<'d>(
                $edu: &'d Edu<'_, Self>,
                $binding: &mut BoundScope<'d>,
                $task: &mut TaskCx,
            ) -> Outcome {
                $body
            }

            fn outcome() -> &'static AtomicU32 {
                static OUTCOME: AtomicU32 = AtomicU32::new(0);
                &OUTCOME
            }
        }

        fn $test(task: &mut TaskCx) -> Outcome {
            run::<$case>(task)
        }
    };
}

/// Where a handler runs that the kernel may thread: in a hard interrupt, or in a thread of the line.
fn threadable(place: Place) -> Outcome {
    let threaded = place.is(Place::IRQ_THREAD);
    pr_info!("# handlers are threads: {}\n", threaded);
    check!(!place.is(Place::NMI));
    check!(threaded != place.is(Place::HARDIRQ));
    if cfg!(CONFIG_PREEMPT_RT) {
        check!(threaded && place.is(Place::PREEMPTIBLE) && !place.is(Place::IRQS_OFF));
    } else {
        check!(place.is(Place::IRQS_OFF) && !place.is(Place::PREEMPTIBLE));
    }
    Ok(())
}

/// Where a handler runs that no kernel threads.
fn hard(place: Place) -> Outcome {
    check!(place.is(Place::HARDIRQ | Place::IRQS_OFF));
    check!(!place.is(Place::NMI) && !place.is(Place::PREEMPTIBLE) && !place.is(Place::IRQ_THREAD));
    Ok(())
}

case!(intx_handler_gets_irq, Intx, Intx, |edu, binding, task| {
    check!(matches!(edu.vectors.irq_type(), IrqType::Intx));
    check_eq!(SECOND.load(Relaxed), EBUSY.to_errno());
    binding.request_irq(
        task,
        edu.line()?,
        Flags::new().shared(),
        c"kalloc_intx",
        edu,
    )?;
    edu.raise_and_wait(task)?;
    threadable(edu.hard.place())
});

case!(msi_handler_gets_irq, Msi, Msi, |edu, binding, task| {
    check!(matches!(edu.vectors.irq_type(), IrqType::Msi));
    check_eq!(SECOND.load(Relaxed), EBUSY.to_errno());
    binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_msi", edu)?;
    edu.raise_and_wait(task)?;
    threadable(edu.hard.place())?;
    // Once for each.
    let before = edu.hard.times();
    edu.raise_and_wait(task)?;
    check_eq!(edu.hard.times(), before + 1);
    Ok(())
});

case!(
    unthreaded_handler_gets_raw,
    NoThread,
    Msi,
    |edu, binding, task| {
        binding.request_irq(
            task,
            edu.line()?,
            Flags::new().no_thread(),
            c"kalloc_hard",
            edu,
        )?;
        edu.raise_and_wait(task)?;
        hard(edu.hard.place())?;
        // The object that the handler had is back.
        let objects: [_; 4] = core::array::from_fn(|_| edu.pool.pop());
        check_eq!(
            objects.iter().flatten().map(|object| **object).sum::<u32>(),
            1
        );
        check!(objects.iter().all(Option::is_some));
        Ok(())
    }
);

case!(
    percpu_handler_gets_raw,
    PerCpuLine,
    Msi,
    |edu, binding, task| {
        binding.request_irq(
            task,
            edu.line()?,
            Flags::new().percpu(),
            c"kalloc_percpu",
            edu,
        )?;
        edu.raise_and_wait(task)?;
        hard(edu.hard.place())
    }
);

/// Both halves have run, the second in a thread that may sleep.
fn both<C: Case>(edu: &Edu<'_, C>, task: &TaskCx) -> Outcome {
    edu.raise_and_wait(task)?;
    check!(wait_until(task, || edu.thread.times() > 0));
    let place = edu.thread.place();
    check!(place.is(Place::IRQ_THREAD | Place::PREEMPTIBLE) && !place.is(Place::IRQS_OFF));
    check_eq!(take(&edu.memory).map(|memory| *memory), Some(0x1234_5678));
    Ok(())
}

case!(threaded_handler, Threaded, Msi, |edu, binding, task| {
    binding.request_threaded_irq(task, edu.line()?, Flags::new(), c"kalloc_threaded", edu)?;
    both(edu, task)?;
    threadable(edu.hard.place())
});

case!(
    oneshot_keeps_the_hard_handler_hard,
    OneshotLine,
    Msi,
    |edu, binding, task| {
        binding.request_threaded_irq(
            task,
            edu.line()?,
            Flags::new().oneshot(),
            c"kalloc_oneshot",
            edu,
        )?;
        both(edu, task)?;
        hard(edu.hard.place())
    }
);

case!(
    unthreaded_with_a_thread,
    NoThreadThreaded,
    Msi,
    |edu, binding, task| {
        binding.request_threaded_irq(
            task,
            edu.line()?,
            Flags::new().no_thread(),
            c"kalloc_both",
            edu,
        )?;
        both(edu, task)?;
        hard(edu.hard.place())
    }
);

case!(
    memory_from_a_handler_reaches_process_context,
    HandOver,
    Msi,
    |edu, binding, task| {
        binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_memory", edu)?;
        for _ in 0..20 {
            edu.raise_and_wait(task)?;
            check_eq!(take(&edu.memory).map(|memory| *memory), Some(0x1234_5678));
            check!(take(&edu.memory).is_none());
        }
        Ok(())
    }
);

case!(line_is_shared, SharedLine, Intx, |edu, binding, task| {
    binding.request_irq(task, edu.line()?, Flags::new().shared(), c"kalloc_one", edu)?;
    binding.request_irq(
        task,
        edu.line()?,
        Flags::new().shared(),
        c"kalloc_two",
        &edu.second,
    )?;
    edu.raise_and_wait(task)?;
    check!(wait_until(task, || edu.second.0.times() > 0));
    threadable(edu.second.0.place())
});

case!(
    line_that_is_not_shared_is_busy,
    BusyLine,
    Msi,
    |edu, binding, task| {
        binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_one", edu)?;
        let second =
            binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_two", &edu.second);
        check_eq!(second, Err(EBUSY));
        // The first is as it was.
        edu.raise_and_wait(task)
    }
);

case!(
    line_that_is_never_threaded,
    NeverThreaded,
    Msi,
    |edu, binding, task| {
        let irq = edu.irq.load(Relaxed);
        // SAFETY: The line is this device's.
        unsafe { c::testlib_irq_nothread(irq, true) };
        edu.never_threaded.store(true, Relaxed);
        let threadable = binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_line", edu);
        if cfg!(CONFIG_PREEMPT_RT) {
            check_eq!(threadable, Err(EINVAL));
            binding.request_irq(
                task,
                edu.line()?,
                Flags::new().no_thread(),
                c"kalloc_line",
                edu,
            )?;
        } else {
            check_eq!(threadable, Ok(()));
        }
        edu.raise_and_wait(task)?;
        // SAFETY: As above.
        unsafe { c::testlib_irq_nothread(irq, false) };
        hard(edu.hard.place())
    }
);

struct Twice;

impl Case for Twice {
    const TYPE: IrqType = IrqType::Msi;
    const BEFORE: fn(&mut TaskCx, &Device<Bound>) -> Outcome = twice;

    fn run<'d>(edu: &'d Edu<'_, Self>, binding: &mut BoundScope<'d>, task: &mut TaskCx) -> Outcome {
        binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_twice", edu)?;
        edu.raise_and_wait(task)
    }

    fn outcome() -> &'static AtomicU32 {
        static OUTCOME: AtomicU32 = AtomicU32::new(0);
        &OUTCOME
    }
}

fn vectors_are_allocated_once(task: &mut TaskCx) -> Outcome {
    run::<Twice>(task)
}

/// Not bound: the device has vectors.
struct Left;

/// The device keeps vectors that are dropped where the code may not sleep.
fn left(task: &mut TaskCx, dev: &Device<Bound>) -> Outcome {
    let message = IrqTypes::default().with(IrqType::Msi);
    let vectors = dev.irq_vectors(task, 1, 1, message)?;
    let lock = KBox::pin_init(&task, kernel::new_spinlock!(()))?;
    task.locked(&lock, |(), _cx| drop(vectors));
    check_eq!(dev.irq_vectors(task, 1, 1, message).map(drop), Err(EBUSY));
    Left::outcome().store(PASSED, Relaxed);
    Ok(())
}

impl Case for Left {
    const TYPE: IrqType = IrqType::Msi;
    const BEFORE: fn(&mut TaskCx, &Device<Bound>) -> Outcome = left;

    fn run<'d>(
        _edu: &'d Edu<'_, Self>,
        _binding: &mut BoundScope<'d>,
        _task: &mut TaskCx,
    ) -> Outcome {
        Err(Stop::Fail)
    }

    fn outcome() -> &'static AtomicU32 {
        static OUTCOME: AtomicU32 = AtomicU32::new(0);
        &OUTCOME
    }
}

fn vectors_dropped_with_a_lock_held(task: &mut TaskCx) -> Outcome {
    run::<Left>(task)?;
    // The next binding has vectors again.
    run::<Twice>(task)
}

/// Not bound, though its lines could be requested.
struct Refused;

impl Case for Refused {
    const TYPE: IrqType = IrqType::Msi;

    fn run<'d>(edu: &'d Edu<'_, Self>, binding: &mut BoundScope<'d>, task: &mut TaskCx) -> Outcome {
        binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_refused", edu)?;
        edu.raise_and_wait(task)?;
        Err(Stop::Skip("refused"))
    }

    fn outcome() -> &'static AtomicU32 {
        static OUTCOME: AtomicU32 = AtomicU32::new(0);
        &OUTCOME
    }
}

fn failed_probe_frees_the_lines(task: &mut TaskCx) -> Outcome {
    match run::<Refused>(task) {
        Err(Stop::Skip("not on this kernel")) => {
            check_eq!(Refused::outcome().load(Relaxed), SKIPPED);
            Ok(())
        }
        Ok(()) => Err(Stop::Fail),
        other => other,
    }
}

case!(
    unbind_while_interrupts_come,
    Storm,
    Msi,
    |edu, binding, task| {
        binding.request_irq(task, edu.line()?, Flags::new(), c"kalloc_storm", edu)?;
        // Where a handler is slow that CPU does nothing else until they are over, and RCU stalls.
        edu.more.store(testlib::rounds(20_000) as u32, Relaxed);
        edu.raise_and_wait(task)?;
        check!(wait_until(task, || edu.hard.times() > 100));
        // They come on while the driver is taken away.
        Ok(())
    }
);
