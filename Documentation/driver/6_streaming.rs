// SPDX-License-Identifier: GPL-2.0

//! Step 6: the device writes to a buffer of the driver's own.

use kalloc::{
    dma::{DmaDevice, FromDevice, MappedRange, Quiesce, Streaming},
    pci,
    prelude::*,
};
use kernel::{
    device::{Bound, Core, Device},
    io::Io,
    pci::{Bar, DeviceId},
    time::Delta,
};

/// The device's DMA registers, and the address of its own memory.
const SOURCE: usize = 0x80;
const DESTINATION: usize = 0x88;
const COUNT: usize = 0x90;
const COMMAND: usize = 0x98;
const END: usize = 0xa0;
const DEVICE_MEMORY: u64 = 0x40000;

const START: u64 = 1;
const FROM_MEMORY_OF_DEVICE: u64 = 2;

struct Edu;

struct Data<'bound> {
    bar: Bar<'bound, END>,
    dma: DmaDevice<'bound>,
}

impl Quiesce for Data<'_> {
    fn device(&self) -> &Device<Bound> {
        self.dma.device()
    }

    /// Only the driver knows whether the device has finished.
    fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
        self.bar.read64(COMMAND) & START == 0
    }
}

impl Data<'_> {
    /// Reads the device's memory.
    fn read(&mut self, task: &mut TaskCx) -> Result<KBox<[u8]>> {
        // The device addresses 28 bits: without an IOMMU the memory has to be below that.
        let buffer = KBox::zeroed_slice(task.with(GFP_KERNEL.dma()), 64)?;
        let buffer = Streaming::<_, FromDevice>::map(&*task, self.dma, buffer)?;
        // From here on the device owns the buffer, and `buffer[0]` does not compile.
        let (buffer, ()) = buffer.give(|address| {
            self.bar.write64(DEVICE_MEMORY, SOURCE);
            self.bar.write64(address, DESTINATION);
            self.bar.write64(64, COUNT);
            self.bar.write64(START | FROM_MEMORY_OF_DEVICE, COMMAND);
            Ok::<(), Error>(())
        })?;
        task.fsleep(Delta::from_millis(200));
        // If the device is not idle, the buffer stays mapped until unbind.
        Ok(buffer.unmap(task, self)?)
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
        dev.enable_device_mem()?;
        dev.set_master();
        let dma = DmaDevice::set_mask_and_coherent::<28, _>(&task, dev)?;
        let mut data = Data {
            bar: dev.iomap_region_sized::<END>(0, c"edu")?,
            dma,
        };
        let bytes = data.read(task)?;
        dev_info!(dev, "its memory begins with {:?}\n", &bytes[..4]);
        Ok(data)
    }
}

kalloc::module_pci_driver! {
    type: Edu,
    name: "edu",
    authors: ["You"],
    description: "QEMU's edu device",
    license: "GPL",
}
