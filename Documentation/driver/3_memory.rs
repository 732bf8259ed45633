// SPDX-License-Identifier: GPL-2.0

//! Step 3: memory, with the token that probe gets.

use kalloc::{devm::Devm, pci, prelude::*};
use kernel::{
    device::Core,
    io::{register, Io},
    pci::{Bar, DeviceId},
};

register! {
    LIVENESS(u32) @ 0x04 {
        31:0 value;
    }
}

/// The registers end here.
const END: usize = 0xa0;

struct Edu;

struct Data<'bound> {
    bar: Bar<'bound, END>,
    /// The kernel frees it when the device is unbound, or when probe fails.
    history: Devm<'bound, [u32]>,
    /// Freed when the data is dropped.
    scratch: KBox<[u8; 4096]>,
}

impl Data<'_> {
    fn is_alive(&self, value: u32) -> bool {
        self.bar.write_reg(LIVENESS::zeroed().with_value(value));
        self.bar.read(LIVENESS).value() == !value
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
        let mut data = Data {
            bar: dev.iomap_region_sized::<END>(0, c"edu")?,
            history: Devm::zeroed_slice(&task, dev.as_ref(), 64)?,
            scratch: KBox::zeroed(task.with(GFP_KERNEL.account()))?,
        };
        if !data.is_alive(0x5555_aaaa) {
            return Err(ENODEV);
        }
        data.history[0] = 0x5555_aaaa;
        dev_info!(dev, "{} bytes of scratch\n", data.scratch.len());
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
