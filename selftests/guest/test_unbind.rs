// SPDX-License-Identifier: GPL-2.0

//! What a device had is free when its binding has ended, whatever else frees at that time.

use core::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Release},
};
use kalloc::{
    kthread::{kthread_run, This},
    prelude::*,
    slab::{self, Args, Cache},
};
use kernel::{
    device::Core,
    driver, platform,
    time::{delay::fsleep, Delta, Instant, Monotonic},
};
use testdevice::PlatformDevice;
use testdma::Seen;
use testlib::{c, check, check_eq, in_reclaim_worker, Outcome};

#[path = "../lib/testdevice.rs"]
mod testdevice;
#[path = "../lib/testdma.rs"]
mod testdma;
#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_unbind":
    two_devices_at_once,
    while_a_cache_is_destroyed,
    in_a_worker_for_reclaim,
}

/// How many buffers the first device has, each of which takes a while to free.
const BUFFERS: usize = 30;

static PROBED: AtomicUsize = AtomicUsize::new(0);
/// The first device has dropped its buffers.
static DROPPED: AtomicBool = AtomicBool::new(false);

/// What the driver has of a device.
struct Card<'bound> {
    first: bool,
    buffers: KVec<Coherent<'bound, u64>>,
    cache: Option<Cache<u64>>,
}

impl Drop for Card<'_> {
    fn drop(&mut self) {
        if !self.first {
            // The end of the binding frees what waits, of other devices too.
            wait_for(&DROPPED);
            return;
        }
        // SAFETY: The kernel unbinds in process context, and the token of probe is gone.
        let mut task = unsafe { TaskCx::assume() };
        // The worker of this CPU, if it is one, does not run meanwhile.
        task.preempt_off(|_cx| {
            self.buffers.clear();
            self.cache = None;
            DROPPED.store(true, Release);
            let start = Instant::<Monotonic>::now();
            // SAFETY: It has no preconditions.
            while unsafe { c::testlib_dma_trace_count() } == 0 {
                // On one CPU nothing begins here.
                if start.elapsed() > Delta::from_millis(500) {
                    break;
                }
            }
        });
    }
}

fn wait_for(flag: &AtomicBool) {
    while !flag.load(Acquire) {
        fsleep(Delta::from_micros(100));
    }
}

struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Card<'bound>;

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Card<'bound>, Error> + 'bound {
        Card::new(pdev)
    }
}

impl<'bound> Card<'bound> {
    fn new(pdev: &'bound platform::Device<Core<'_>>) -> Result<Self> {
        // SAFETY: Probe runs in process context, and this is the only token in it.
        let task = unsafe { TaskCx::assume() };
        let first = PROBED.fetch_add(1, Release) == 0;
        let dma = DmaDevice::set_mask_and_coherent::<64, _>(&task, pdev)?;
        let mut buffers = KVec::new();
        let mut cache = None;
        if first {
            for _ in 0..BUFFERS {
                buffers.push(&task, Coherent::zeroed(&task, dma)?)?;
            }
            cache = Some(Cache::create(&task, &ARGS)?);
        }
        Ok(Self {
            first,
            buffers,
            cache,
        })
    }
}

const ARGS: Args<'_, u64> = Args::new(c"kalloc_test_unbind").no_merge();

/// Runs `beside` in a thread while the first of two devices is unbound by `unbind`. How many of its
/// buffers are free then.
fn freed<U, B>(task: &mut TaskCx, unbind: U, beside: B) -> Result<usize, testlib::Stop>
where
    U: FnOnce(&mut TaskCx, &PlatformDevice) -> Outcome,
    B: FnOnce(&mut TaskCx, PlatformDevice) + Send + 'static,
{
    PROBED.store(0, Release);
    DROPPED.store(false, Release);
    let _driver = KBox::pin_init(
        &task,
        driver::Registration::<platform::Adapter<Driver>>::new(
            c"kalloc_test_unbind",
            testlib::this_module(),
        ),
    )?;
    let first = PlatformDevice::numbered(task, c"kalloc_test_unbind", 1)?;
    let second = PlatformDevice::numbered(task, c"kalloc_test_unbind", 2)?;
    check!(first.is_bound() && second.is_bound());
    Seen::start(first.device());
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_dma_slow_free(5) };
    let thread = kthread_run!(
        task,
        c"kalloc_beside",
        move |task: &mut TaskCx, _: &This<'_>| { beside(task, second) }
    )?;
    let outcome = unbind(task, &first);
    // SAFETY: It has no preconditions.
    let freed = unsafe { c::testlib_dma_trace_count() };
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_dma_slow_free(0) };
    let stopped = thread.stop(task);
    Seen::stop();
    outcome?;
    check!(stopped.is_ok());
    Ok(freed)
}

fn two_devices_at_once(task: &mut TaskCx) -> Outcome {
    let freed = freed(
        task,
        |task, first| {
            first.unbind(task);
            Ok(())
        },
        |task, second| second.unbind(task),
    )?;
    check_eq!(freed, BUFFERS);
    Ok(())
}

/// As the end of a module does.
fn while_a_cache_is_destroyed(task: &mut TaskCx) -> Outcome {
    let freed = freed(
        task,
        |task, first| {
            first.unbind(task);
            Ok(())
        },
        |task, second| {
            wait_for(&DROPPED);
            for _ in 0..3 {
                slab::destroy_dropped(task);
            }
            second.unbind(task);
        },
    )?;
    check_eq!(freed, BUFFERS);
    // Its name is free.
    drop(Cache::create(task, &ARGS)?);
    Ok(())
}

/// The kernel warns if such a worker waits for one that has no reserve.
fn in_a_worker_for_reclaim(task: &mut TaskCx) -> Outcome {
    let freed = freed(
        task,
        |_task, first| in_reclaim_worker(|task| first.unbind(task)),
        |task, second| second.unbind(task),
    )?;
    check_eq!(freed, BUFFERS);
    Ok(())
}
