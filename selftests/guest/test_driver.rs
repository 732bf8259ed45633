// SPDX-License-Identifier: GPL-2.0

//! Drivers: the kernel binds and unbinds real devices, and the driver gets process context.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{driver::Register, platform, prelude::*};
use kernel::{
    device::{Bound, Core},
    platform::Device,
};
use testdevice::{wait_for_device_probe, PlatformDevice};
use testlib::{c, check, check_eq, traced, Outcome};

#[path = "../lib/testdevice.rs"]
mod testdevice;
#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_driver":
    probe_and_unbind_are_process_context,
    data_is_dropped_after_unbind,
    driver_goes_while_bound,
    failed_probe_leaves_nothing,
    deferred_probe_comes_back,
    bind_and_unbind_again,
    pci_device_is_bound,
}

/// What has happened so far, one digit each.
struct Record(AtomicU32);

impl Record {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }
    fn add(&self, digit: u32) {
        self.0.store(self.0.load(Relaxed) * 10 + digit, Relaxed);
    }
    fn take(&self) -> u32 {
        self.0.swap(0, Relaxed)
    }
}

const PROBE: u32 = 1;
const INITIALISER: u32 = 2;
const UNBIND: u32 = 3;
const DROP: u32 = 4;
const NOT_PROCESS_CONTEXT: u32 = 9;

/// Whether the code may sleep, as the kernel sees it.
fn may_sleep() -> bool {
    // SAFETY: None of them has preconditions.
    unsafe {
        c::testlib_preemptible()
            && !c::testlib_irqs_disabled()
            && c::testlib_rcu_read_lock_held() == 0
    }
}

/// Adds itself to the record when it is dropped.
struct OnDrop(&'static Record);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(if may_sleep() {
            DROP
        } else {
            NOT_PROCESS_CONTEXT
        });
    }
}

/// Declares a driver that binds.
macro_rules! driver {
    ($driver:ident, $record:ident) => {
        static $record: Record = Record::new();

        #[pin_data]
        struct $driver {
            value: KBox<u64>,
            _dropped: OnDrop,
        }

        impl platform::Driver for $driver {
            type IdInfo = ();
            type Data<'bound> = Self;

            fn probe<'bound>(
                _dev: &'bound Device<Core<'_>>,
                _id_info: Option<&'bound ()>,
                task: &mut TaskCx,
            ) -> impl PinInit<Self, Error> {
                $record.add(if may_sleep() { PROBE } else { NOT_PROCESS_CONTEXT });
                try_pin_init!(Self {
                    _dropped: OnDrop(&$record),
                    // The token came along.
                    value: KBox::new(&task, 5u64)?,
                    _: {
                        $record.add(if may_sleep() { INITIALISER } else { NOT_PROCESS_CONTEXT })
                    },
                })
            }

            fn unbind<'bound>(
                _dev: &'bound Device<Bound>,
                this: Pin<&Self>,
                task: &mut TaskCx,
            ) {
                let sleeps = KBox::new(&task, *this.value);
                let fine = sleeps.is_ok_and(|value| *value == 5) && may_sleep();
                $record.add(if fine { UNBIND } else { NOT_PROCESS_CONTEXT });
            }
        }
    };
}

/// Registers a driver of that name.
fn register<R: Register>(task: &mut TaskCx, name: &'static CStr) -> Result<Pin<KBox<R>>> {
    let module = testlib::this_module();
    // SAFETY: The initialiser runs here, in process context, and the tests end there too.
    let driver = unsafe { R::register(name, module) };
    KBox::pin_init(&task, driver)
}

driver!(Context, CONTEXT);

fn probe_and_unbind_are_process_context(task: &mut TaskCx) -> Outcome {
    let driver = register::<platform::Registration<Context>>(task, c"kalloc_context")?;
    let (device, trace) = traced(|| PlatformDevice::new(task, c"kalloc_context"));
    let device = device?;
    check!(device.is_bound());
    check_eq!(CONTEXT.take(), PROBE * 10 + INITIALISER);
    // That of `value` in the initialiser.
    check!(trace
        .events()
        .any(|event| !event.is_free && event.size == 8 && event.gfp == GfpKernel::BITS));
    device.unbind(task);
    check!(!device.is_bound());
    check_eq!(CONTEXT.take(), UNBIND * 10 + DROP);
    drop((device, driver));
    check_eq!(CONTEXT.take(), 0);
    Ok(())
}

driver!(Ordered, ORDERED);

fn data_is_dropped_after_unbind(task: &mut TaskCx) -> Outcome {
    let _driver = register::<platform::Registration<Ordered>>(task, c"kalloc_ordered")?;
    let device = PlatformDevice::new(task, c"kalloc_ordered")?;
    check_eq!(ORDERED.take(), PROBE * 10 + INITIALISER);
    drop(device);
    check_eq!(ORDERED.take(), UNBIND * 10 + DROP);
    Ok(())
}

driver!(Leaving, LEAVING);

fn driver_goes_while_bound(task: &mut TaskCx) -> Outcome {
    let device = PlatformDevice::new(task, c"kalloc_leaving")?;
    check!(!device.is_bound());
    let driver = register::<platform::Registration<Leaving>>(task, c"kalloc_leaving")?;
    check!(device.is_bound());
    check_eq!(LEAVING.take(), PROBE * 10 + INITIALISER);
    drop(driver);
    check!(!device.is_bound());
    check_eq!(LEAVING.take(), UNBIND * 10 + DROP);
    Ok(())
}

static FAILING: Record = Record::new();

/// Fails after its first field.
#[pin_data]
struct Failing {
    _first: OnDrop,
    _second: KBox<u32>,
}

impl platform::Driver for Failing {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        FAILING.add(PROBE);
        try_pin_init!(Self {
            _first: OnDrop(&FAILING),
            _second: {
                let _value = KBox::new(&task, 1u32)?;
                Err(ENODEV)?
            },
        })
    }

    fn unbind<'bound>(_dev: &'bound Device<Bound>, _this: Pin<&Self>, _task: &mut TaskCx) {
        FAILING.add(UNBIND);
    }
}

fn failed_probe_leaves_nothing(task: &mut TaskCx) -> Outcome {
    let driver = register::<platform::Registration<Failing>>(task, c"kalloc_failing")?;
    let device = PlatformDevice::new(task, c"kalloc_failing")?;
    check!(!device.is_bound());
    check_eq!(FAILING.take(), PROBE * 10 + DROP);
    // Again, as often as one likes.
    check!(!device.bind(task)?);
    check_eq!(FAILING.take(), PROBE * 10 + DROP);
    drop((device, driver));
    check_eq!(FAILING.take(), 0);
    Ok(())
}

driver!(Supplier, SUPPLIER);
static CONSUMER: Record = Record::new();

/// Waits for [`Supplier`].
struct Consumer;

impl platform::Driver for Consumer {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        _task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        CONSUMER.add(if may_sleep() {
            PROBE
        } else {
            NOT_PROCESS_CONTEXT
        });
        if SUPPLIER.0.load(Relaxed) == 0 {
            Err(EPROBE_DEFER)
        } else {
            Ok(Consumer)
        }
    }
}

fn deferred_probe_comes_back(task: &mut TaskCx) -> Outcome {
    let _consumers = register::<platform::Registration<Consumer>>(task, c"kalloc_consumer")?;
    let _suppliers = register::<platform::Registration<Supplier>>(task, c"kalloc_supplier")?;
    let consumer = PlatformDevice::new(task, c"kalloc_consumer")?;
    wait_for_device_probe(task);
    check!(!consumer.is_bound());
    check!(CONSUMER.take() != 0);
    let supplier = PlatformDevice::new(task, c"kalloc_supplier")?;
    check!(supplier.is_bound());
    wait_for_device_probe(task);
    check!(consumer.is_bound());
    check_eq!(CONSUMER.take(), PROBE);
    Ok(())
}

driver!(Again, AGAIN);

fn bind_and_unbind_again(task: &mut TaskCx) -> Outcome {
    let _driver = register::<platform::Registration<Again>>(task, c"kalloc_again")?;
    let device = PlatformDevice::new(task, c"kalloc_again")?;
    for _ in 0..10 {
        check_eq!(AGAIN.take(), PROBE * 10 + INITIALISER);
        device.unbind(task);
        check_eq!(AGAIN.take(), UNBIND * 10 + DROP);
        check!(device.bind(task)?);
    }
    Ok(())
}

#[cfg(CONFIG_PCI)]
mod edu {
    //! QEMU's `edu` device.

    use super::*;
    use kalloc::pci;

    pub(super) static EDU: Record = Record::new();
    pub(super) static ID_INFO: AtomicU32 = AtomicU32::new(0);

    const VENDOR: u16 = 0x1234;
    const DEVICE: u32 = 0x11e8;

    testlib::series::device_table!(
        pci_device_table,
        TABLE,
        <Edu as pci::Driver>::IdInfo,
        [(
            kernel::pci::DeviceId::from_id(pci::vendor(VENDOR), DEVICE),
            DEVICE
        )]
    );

    #[pin_data]
    pub(super) struct Edu {
        _dropped: OnDrop,
    }

    impl pci::Driver for Edu {
        type IdInfo = u32;
        type Data<'bound> = Self;
        const ID_TABLE: kernel::pci::IdTable<u32> = &TABLE;

        fn probe<'bound>(
            dev: &'bound kernel::pci::Device<Core<'_>>,
            id_info: Option<&'bound u32>,
            task: &mut TaskCx,
        ) -> impl PinInit<Self, Error> {
            EDU.add(if may_sleep() {
                PROBE
            } else {
                NOT_PROCESS_CONTEXT
            });
            ID_INFO.store(id_info.copied().unwrap_or(0), Relaxed);
            try_pin_init!(Self {
                _: {
                    dev.enable_device_mem()?;
                    drop(KBox::new(&task, 1u32)?);
                    EDU.add(if may_sleep() { INITIALISER } else { NOT_PROCESS_CONTEXT })
                },
                _dropped: OnDrop(&EDU),
            })
        }

        fn unbind<'bound>(
            _dev: &'bound kernel::pci::Device<Bound>,
            _this: Pin<&Self>,
            task: &mut TaskCx,
        ) {
            let fine = KBox::new(&task, 1u32).is_ok() && may_sleep();
            EDU.add(if fine { UNBIND } else { NOT_PROCESS_CONTEXT });
        }
    }

    pub(super) fn is_there() -> bool {
        // SAFETY: It takes a reference, which is put below.
        let device = unsafe {
            kernel::bindings::pci_get_device(VENDOR.into(), DEVICE, core::ptr::null_mut())
        };
        // SAFETY: It is NULL, or was taken above.
        unsafe { kernel::bindings::pci_dev_put(device) };
        !device.is_null()
    }
}

#[cfg(CONFIG_PCI)]
fn pci_device_is_bound(task: &mut TaskCx) -> Outcome {
    if !edu::is_there() {
        return Err(testlib::Stop::Skip("no edu device here"));
    }
    let driver = register::<kalloc::pci::Registration<edu::Edu>>(task, c"kalloc_edu")?;
    check_eq!(edu::EDU.take(), PROBE * 10 + INITIALISER);
    check_eq!(edu::ID_INFO.load(Relaxed), 0x11e8);
    drop(driver);
    check_eq!(edu::EDU.take(), UNBIND * 10 + DROP);
    Ok(())
}

#[cfg(not(CONFIG_PCI))]
fn pci_device_is_bound(_task: &mut TaskCx) -> Outcome {
    Err(testlib::Stop::Skip("no PCI"))
}
