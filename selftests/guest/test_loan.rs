// SPDX-License-Identifier: GPL-2.0

//! Data of a device that is lent to code that outlives it: used while the device is bound, and not a
//! moment longer.

use core::{
    ptr::null_mut,
    sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering::SeqCst},
};
use kalloc::{
    driver::{BoundScope, Loan, Register},
    platform,
    prelude::*,
};
use kernel::{
    device::{Bound, Core},
    platform::Device,
    sync::global_lock,
    time::{delay::fsleep, Delta},
    types::ForLt,
};
use testdevice::PlatformDevice;
use testlib::{c, check, check_eq, wait_until, Outcome};

#[path = "../lib/testdevice.rs"]
mod testdevice;
#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_loan":
    lent_data_is_used,
    unbinding_ends_the_loan,
    unbinding_waits_for_who_uses_it,
    killed_thread_does_not_wait,
    dropped_in_atomic_context,
    failed_binding_ends_the_loan,
}

const VALUE: u32 = 0x4b41_4c4c;

/// Whether there is data of a device.
static ALIVE: AtomicBool = AtomicBool::new(false);
/// Whether binding is to fail when the data has been lent.
static FAILS: AtomicBool = AtomicBool::new(false);

type LentCard = Loan<ForLt!(Card<'_>)>;

global_lock! {
    // SAFETY: `start` initialises it before anything else.
    unsafe(uninit) static LENT: Mutex<Option<LentCard>> = None;
}

/// Data that borrows from the device, and so could not be kept without it.
struct Card<'bound> {
    dev: &'bound Device<kernel::device::Bound>,
    value: AtomicU32,
}

impl Drop for Card<'_> {
    fn drop(&mut self) {
        self.value.store(0, SeqCst);
        ALIVE.store(false, SeqCst);
    }
}

struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Card<'bound>;

    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        _task: &mut TaskCx,
    ) -> impl PinInit<Card<'bound>, Error> {
        ALIVE.store(true, SeqCst);
        Ok::<_, Error>(Card {
            dev,
            value: AtomicU32::new(VALUE),
        })
    }

    fn start<'d, 'bound>(
        _dev: &'bound Device<Bound>,
        this: Pin<&'d Card<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let lent = binding.lend::<ForLt!(Card<'_>), _>(task, this.get_ref())?;
        *LENT.lock() = Some(lent);
        if FAILS.load(SeqCst) {
            return Err(ENXIO);
        }
        Ok(())
    }
}

type Registered = Pin<KBox<platform::Registration<Driver>>>;

fn start(task: &mut TaskCx) -> Result<(Registered, PlatformDevice)> {
    static INITIALISED: AtomicBool = AtomicBool::new(false);
    if !INITIALISED.swap(true, SeqCst) {
        // SAFETY: Once, before it is used.
        unsafe { LENT.init() };
    }
    let module = testlib::this_module();
    // SAFETY: The initialiser runs here, in process context, and the tests end there too.
    let driver = unsafe { platform::Registration::<Driver>::register(c"kalloc_lend", module) };
    let driver = KBox::pin_init(&task, driver)?;
    let device = PlatformDevice::new(task, c"kalloc_lend")?;
    Ok((driver, device))
}

fn lent() -> Result<LentCard> {
    LENT.lock().take().ok_or(ENOENT)
}

fn read(lent: &LentCard, task: &mut TaskCx) -> Result<u32> {
    lent.with(task, |card, task| {
        // The context is there, too.
        let value = KBox::new(&task, card.value.load(SeqCst));
        let _name = card.dev.as_ref();
        value.map_or(0, |value| *value)
    })
}

fn lent_data_is_used(task: &mut TaskCx) -> Outcome {
    let (_driver, device) = start(task)?;
    check!(device.is_bound());
    let lent = lent()?;
    check_eq!(read(&lent, task)?, VALUE);
    lent.clone()
        .with(task, |card, _| card.value.store(1, SeqCst))?;
    check_eq!(read(&lent, task)?, 1);
    Ok(())
}

fn unbinding_ends_the_loan(task: &mut TaskCx) -> Outcome {
    let (_driver, device) = start(task)?;
    let first = lent()?;
    device.unbind(task);
    check!(!ALIVE.load(SeqCst));
    check_eq!(read(&first, task), Err(ENODEV));
    // That of the next binding is another.
    check!(device.bind(task)?);
    check_eq!(read(&first, task), Err(ENODEV));
    check_eq!(read(&lent()?, task)?, VALUE);
    Ok(())
}

fn unbinding_waits_for_who_uses_it(task: &mut TaskCx) -> Outcome {
    let (_driver, device) = start(task)?;
    let lent = lent()?;
    let (inside, alive) = (AtomicBool::new(false), AtomicBool::new(false));
    testlib::on_another_cpu(
        |task| {
            let _ = lent.with(task, |card, _task| {
                inside.store(true, SeqCst);
                fsleep(Delta::from_millis(50));
                alive.store(
                    ALIVE.load(SeqCst) && card.value.load(SeqCst) == VALUE,
                    SeqCst,
                );
            });
        },
        || {
            wait_until(task, || inside.load(SeqCst));
            device.unbind(task);
        },
    )?;
    check!(inside.load(SeqCst));
    check!(alive.load(SeqCst));
    check!(!ALIVE.load(SeqCst));
    Ok(())
}

/// The last one, whose memory goes. On PREEMPT_RT it stays, and the kernel has nothing to complain of.
fn dropped_in_atomic_context(task: &mut TaskCx) -> Outcome {
    let (_driver, device) = start(task)?;
    for place in 0..3 {
        let lent = lent()?;
        device.unbind(task);
        let ((), trace) = testlib::traced(|| match place {
            0 => task.irqs_off(|_| drop(lent)),
            1 => task.preempt_off(|_| drop(lent)),
            _ => task.rcu_read(|_, _| drop(lent)),
        });
        let stays = cfg!(CONFIG_PREEMPT_RT) && place != 2;
        check_eq!(trace.of_memory() == 0, stays);
        check!(device.bind(task)?);
    }
    Ok(())
}

/// A thread that waits for another one, which uses the data, ends when it is killed.
fn killed_thread_does_not_wait(task: &mut TaskCx) -> Outcome {
    let (_driver, _device) = start(task)?;
    let lent = lent()?;
    let (thread, result) = (AtomicPtr::new(null_mut()), AtomicI32::new(0));
    let inside = AtomicBool::new(false);
    let mut ended = (false, false);
    testlib::on_another_cpu(
        |task| {
            wait_until(task, || inside.load(SeqCst));
            // SAFETY: It has no preconditions.
            thread.store(unsafe { c::testlib_mortal() }, SeqCst);
            let seen = lent.with(task, |_, _| ());
            result.store(seen.map_or_else(Error::to_errno, |()| 1), SeqCst);
            // SAFETY: It undoes the other one.
            unsafe { c::testlib_immortal() };
        },
        || {
            let _ = lent.with(task, |_, task| {
                let has_ended = || result.load(SeqCst) != 0;
                inside.store(true, SeqCst);
                wait_until(task, || !thread.load(SeqCst).is_null());
                fsleep(Delta::from_millis(20));
                ended.0 = has_ended();
                // SAFETY: The thread is there until it has been waited for.
                unsafe { c::testlib_kill(thread.load(SeqCst)) };
                // It does not wait for what this does.
                wait_until(task, has_ended);
                ended.1 = has_ended();
            });
        },
    )?;
    check_eq!(ended, (false, true));
    check_eq!(result.load(SeqCst), EINTR.to_errno());
    check_eq!(read(&lent, task)?, VALUE);
    Ok(())
}

fn failed_binding_ends_the_loan(task: &mut TaskCx) -> Outcome {
    FAILS.store(true, SeqCst);
    let started = start(task);
    FAILS.store(false, SeqCst);
    let (_driver, device) = started?;
    check!(!device.is_bound());
    check!(!ALIVE.load(SeqCst));
    check_eq!(read(&lent()?, task), Err(ENODEV));
    Ok(())
}
