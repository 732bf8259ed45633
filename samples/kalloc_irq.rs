// SPDX-License-Identifier: GPL-2.0

//! Memory in each context of one small driver: in a hard interrupt, under a lock, in a softirq and
//! in a work item, which gets what the interrupt has allocated.
//!
//! For QEMU's `edu` device (`-device edu`), which raises the interrupts that it is told to. Without
//! one it loads and does nothing.

use core::mem;
use kalloc::{
    driver::BoundScope,
    irq::{AllocVectors, Flags, Handler, IrqReturn, Vectors},
    pci,
    prelude::*,
    timer::{Expire, Timer},
    work::{self, impl_has_work, new_work, Work, WorkItem},
};
use kernel::{
    device::{Bound, Core},
    io::Io,
    new_spinlock_irq,
    pci::{Bar, Device, DeviceId, IdTable, IrqTypes},
    sync::{Arc, SpinLockIrq},
    time::Jiffies,
};

// Registers of the device.
const STATUS: usize = 0x24;
const RAISE: usize = 0x60;
const ACKNOWLEDGE: usize = 0x64;

/// What happened, and where.
struct Event {
    place: &'static str,
    status: u32,
}

/// What the interrupt hands over to process context.
#[pin_data]
struct Log {
    #[pin]
    events: SpinLockIrq<KVec<KBox<Event>>>,
    #[pin]
    work: Work<Log>,
}

impl_has_work! {
    impl HasWork<Self> for Log { self.work }
}

impl Log {
    // pin_init's macros forget guards of their own.
    #[allow(clippy::mem_forget)]
    fn new(task: &TaskCx) -> Result<Arc<Self>> {
        Arc::pin_init_with(
            task,
            pin_init!(Self {
                events <- new_spinlock_irq!(KVec::new()),
                work <- new_work!("kalloc_irq"),
            }),
        )
    }

    /// Adds an event. The vector may grow, with the flags of code that holds a lock.
    fn add<C: MayAlloc>(&self, cx: &mut C, event: KBox<Event>) -> bool {
        cx.locked_irq(&self.events, |events, cx| events.push(&cx, event).is_ok())
    }
}

impl WorkItem for Log {
    type Pointer = Arc<Self>;

    /// Process context: takes all events out of the lock and has all the time it wants.
    fn run(this: Arc<Self>, task: &mut TaskCx) {
        let events = task.locked_irq(&this.events, |events, _cx| mem::take(events));
        // GFP_KERNEL
        let Ok(mut states) = KVec::with_capacity(&task, events.len()) else {
            return;
        };
        for event in &events {
            pr_info!("in a {}: {}\n", event.place, event.status);
            if states.push(&task, event.status).is_err() {
                return;
            }
        }
        pr_info!("in a work item: {:?}\n", &*states);
        // All of it is freed here.
    }
}

/// Runs a tick after the interrupt.
struct Later(Arc<Log>);

impl Expire for Later {
    /// A softirq.
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
        let event = Event {
            place: "softirq",
            status: 0,
        };
        // GFP_ATOMIC
        if let Ok(event) = KBox::new(&cx, event) {
            self.0.add(cx, event);
        }
        // It may be queued already.
        let _ = work::system_long().enqueue(cx, self.0.clone());
        None
    }
}

struct Edu<'bound> {
    log: Arc<Log>,
    later: Timer<Later>,
    bar: Bar<'bound, 0x100>,
    vectors: Vectors<'bound>,
}

impl Handler for Edu<'_> {
    /// A hard interrupt, which PREEMPT_RT threads.
    fn handle(&self, cx: &mut IrqCx<'_>) -> IrqReturn {
        let status = self.bar.read32(STATUS);
        if status == 0 {
            return IrqReturn::None;
        }
        self.bar.write32(status, ACKNOWLEDGE);
        let event = Event {
            place: "hard interrupt",
            status,
        };
        // GFP_ATOMIC
        if let Ok(event) = KBox::new(&cx, event) {
            self.log.add(cx, event);
        }
        self.later.start(1);
        IrqReturn::Handled
    }
}

kernel::pci_device_table!(
    TABLE,
    <Edu<'static> as pci::Driver>::IdInfo,
    [(DeviceId::from_id(pci::vendor(0x1234), 0x11e8), ())]
);

impl pci::Driver for Edu<'_> {
    type IdInfo = ();
    type Data<'bound> = Edu<'bound>;
    const ID_TABLE: IdTable<()> = &TABLE;

    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Edu<'bound>, Error> {
        dev.enable_device_mem()?;
        dev.set_master();
        let log = Log::new(task)?;
        Ok(Edu {
            later: Timer::new(&task, Later(log.clone()))?,
            log,
            bar: dev.iomap_region_sized(0, c"kalloc_irq")?,
            vectors: dev.irq_vectors(&task, 1, 1, IrqTypes::all())?,
        })
    }

    fn start<'d, 'bound>(
        _dev: &'bound Device<Bound>,
        this: Pin<&'d Edu<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let edu = this.get_ref();
        let line = edu.vectors.index(0)?;
        binding.request_irq(&task, line, Flags::new().shared(), c"kalloc_irq", edu)?;
        for status in [1, 2, 4] {
            edu.bar.write32(status, RAISE);
        }
        Ok(())
    }
}

kalloc::module_pci_driver! {
    type: Edu<'static>,
    name: "kalloc_irq",
    authors: ["The kalloc authors"],
    description: "kalloc sample: memory in every context of a driver",
    license: "GPL",
}
