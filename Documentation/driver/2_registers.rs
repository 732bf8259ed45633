// SPDX-License-Identifier: GPL-2.0

//! Step 2: the device's registers.

use kalloc::{pci, prelude::*};
use kernel::{
    device::Core,
    io::{register, Io},
    pci::{Bar, DeviceId},
};

register! {
    ID(u32) @ 0x00 {
        31:24 major;
        23:16 minor;
        15:0  magic;
    }
    LIVENESS(u32) @ 0x04 {
        31:0 value;
    }
}

/// The registers end here.
const END: usize = 0xa0;

struct Edu;

struct Data<'bound> {
    bar: Bar<'bound, END>,
}

impl Data<'_> {
    /// The device answers with the complement of what is written.
    fn is_alive(&self) -> bool {
        self.bar
            .write_reg(LIVENESS::zeroed().with_value(0x5555_aaaau32));
        self.bar.read(LIVENESS).value() == 0xaaaa_5555
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
        _task: &mut TaskCx,
    ) -> impl PinInit<Data<'bound>, Error> {
        dev.enable_device_mem()?;
        let bar = dev.iomap_region_sized::<END>(0, c"edu")?;
        let data = Data { bar };
        let id = data.bar.read(ID);
        if id.magic() != 0xed || !data.is_alive() {
            return Err(ENODEV);
        }
        dev_info!(dev, "version {}.{}\n", id.major().get(), id.minor().get());
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
