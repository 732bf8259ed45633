// SPDX-License-Identifier: GPL-2.0

//! Step 5: an interrupt handler that allocates.

use kalloc::{
    driver::BoundScope,
    irq::{AllocVectors, Flags, Handler, IrqReturn, Vectors},
    pci,
    prelude::*,
};
use kernel::{
    device::{Bound, Core},
    io::Io,
    new_spinlock_irq,
    pci::{Bar, DeviceId, IrqTypes},
    sync::SpinLockIrq,
};

const FACTORIAL: usize = 0x08;
const STATUS: usize = 0x20;
const INTERRUPT: usize = 0x24;
const ACKNOWLEDGE: usize = 0x64;
const END: usize = 0xa0;

/// In `STATUS`: an interrupt when the factorial is ready.
const WANT_INTERRUPT: u32 = 0x80;

struct Edu;

#[pin_data]
struct Data<'bound> {
    bar: Bar<'bound, END>,
    vectors: Vectors<'bound>,
    #[pin]
    results: SpinLockIrq<KVec<KBox<u32>>>,
}

impl Handler for Data<'_> {
    fn handle(&self, cx: &mut IrqCx<'_>) -> IrqReturn {
        let interrupt = self.bar.read32(INTERRUPT);
        if interrupt == 0 {
            return IrqReturn::None;
        }
        self.bar.write32(interrupt, ACKNOWLEDGE);
        // GFP_ATOMIC: with `cx.with(GFP_KERNEL)` it would not compile.
        if let Ok(result) = KBox::new(&cx, self.bar.read32(FACTORIAL)) {
            // Without memory the result is dropped.
            cx.locked_irq(&self.results, |results, cx| {
                results.push(&cx, result).is_ok()
            });
        }
        IrqReturn::Handled
    }
}

kernel::pci_device_table!(
    TABLE,
    <Edu as pci::Driver>::IdInfo,
    [(DeviceId::from_id(pci::vendor(0x1234), 0x11e8), ())]
);

impl pci::Driver for Edu {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;
    const ID_TABLE: kernel::pci::IdTable<()> = &TABLE;

    fn probe<'bound>(
        dev: &'bound kernel::pci::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Data<'bound>, Error> {
        try_pin_init!(Data {
            _: {
                dev.enable_device_mem()?;
                // A message-signalled interrupt is a write of the device.
                dev.set_master();
            },
            bar: dev.iomap_region_sized::<END>(0, c"edu")?,
            vectors: dev.irq_vectors(&task, 1, 1, IrqTypes::all())?,
            results <- new_spinlock_irq!(KVec::new()),
        })
    }

    // Runs after probe has made the data. What starts here ends before the data is dropped.
    fn start<'d, 'bound>(
        _dev: &'bound kernel::pci::Device<Bound>,
        this: Pin<&'d Data<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let data = this.get_ref();
        let line = data.vectors.index(0)?;
        binding.request_irq(&task, line, Flags::new().shared(), c"edu", data)?;
        data.bar.write32(WANT_INTERRUPT, STATUS);
        data.bar.write32(5, FACTORIAL);
        Ok(())
    }

    fn unbind<'bound>(
        dev: &'bound kernel::pci::Device<Bound>,
        this: Pin<&Data<'bound>>,
        task: &mut TaskCx,
    ) {
        this.bar.write32(0, STATUS);
        let results = task.locked_irq(&this.results, |results, _cx| core::mem::take(results));
        dev_info!(dev, "{:?}\n", &*results);
    }
}

kalloc::module_pci_driver! {
    type: Edu,
    name: "edu",
    authors: ["You"],
    description: "QEMU's edu device",
    license: "GPL",
}
