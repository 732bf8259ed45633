// SPDX-License-Identifier: GPL-2.0

//! Step 4: a buffer that CPU and device share.

use kalloc::{
    dma::{Coherent, DmaDevice},
    pci,
    prelude::*,
};
use kernel::{
    device::{Bound, Core},
    io::{io_read, io_write, Io},
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
const FROM_DEVICE: u64 = 2;

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Message {
    sequence: u32,
    text: [u8; 60],
}

struct Edu;

struct Data<'bound> {
    bar: Bar<'bound, END>,
    /// Cannot outlive the binding.
    message: Coherent<'bound, Message>,
}

impl Data<'_> {
    /// Has the device copy, and waits.
    fn copy(&self, task: &mut TaskCx, source: u64, destination: u64, command: u64) -> Result {
        self.bar.write64(source, SOURCE);
        self.bar.write64(destination, DESTINATION);
        self.bar.write64(size_of::<Message>() as u64, COUNT);
        self.bar.write64(START | command, COMMAND);
        for _ in 0..1000 {
            if self.bar.read64(COMMAND) & START == 0 {
                return Ok(());
            }
            task.fsleep(Delta::from_millis(1));
        }
        Err(ETIMEDOUT)
    }

    /// Copies to the device and back.
    fn echo(&self, task: &mut TaskCx) -> Result {
        io_write!(self.message, .sequence, 7);
        self.copy(task, self.message.dma_address(), DEVICE_MEMORY, 0)?;
        io_write!(self.message, .sequence, 0);
        self.copy(task, DEVICE_MEMORY, self.message.dma_address(), FROM_DEVICE)?;
        if io_read!(self.message, .sequence) == 7 {
            Ok(())
        } else {
            Err(EIO)
        }
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
        // The device reaches the first 256 MiB.
        let dma = DmaDevice::set_mask_and_coherent::<28, _>(&task, dev)?;
        let data = Data {
            bar: dev.iomap_region_sized::<END>(0, c"edu")?,
            message: Coherent::zeroed(&task, dma)?,
        };
        data.echo(task)?;
        Ok(data)
    }

    fn unbind<'bound>(
        dev: &'bound kernel::pci::Device<Bound>,
        _this: Pin<&Data<'bound>>,
        _task: &mut TaskCx,
    ) {
        // If the device has not stopped, its memory stays until bus mastering is off.
        dev_info!(dev, "unbound\n");
    }
}

kalloc::module_pci_driver! {
    type: Edu,
    name: "edu",
    authors: ["You"],
    description: "QEMU's edu device",
    license: "GPL",
}
