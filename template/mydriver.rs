// SPDX-License-Identifier: GPL-2.0

//! A platform driver to begin with: each device has a buffer, which is freed when it is unbound.
//!
//! The guests of `make run` and `make check` have a device for it in their firmware: `KALL0002` in tables of ACPI, or
//! `kalloc,mydriver` in a device tree.

use kalloc::{platform, prelude::*};
use kernel::{
    acpi,
    device::{Bound, Core},
    of,
    platform::Device, //
};

kernel::acpi_device_table!(
    ACPI_TABLE,
    <MyDriver as platform::Driver>::IdInfo,
    [(acpi::DeviceId::new(c"KALL0002"), ())]
);

kernel::of_device_table!(
    OF_TABLE,
    <MyDriver as platform::Driver>::IdInfo,
    [(of::DeviceId::new(c"kalloc,mydriver"), ())]
);

struct MyDriver {
    samples: KBox<[u32]>,
}

impl platform::Driver for MyDriver {
    type IdInfo = ();
    type Data<'bound> = Self;
    const ACPI_ID_TABLE: Option<acpi::IdTable<()>> = Some(&ACPI_TABLE);
    const OF_ID_TABLE: Option<of::IdTable<()>> = Some(&OF_TABLE);

    fn probe<'bound>(
        pdev: &'bound Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        // GFP_KERNEL, since probe may sleep. If a later line of probe fails, it is freed as well.
        let samples = KBox::zeroed_slice(&task, 64)?;
        dev_info!(pdev, "bound, with room for {} samples\n", samples.len());
        Ok(MyDriver { samples })
    }

    fn unbind<'bound>(pdev: &'bound Device<Bound>, this: Pin<&Self>, _task: &mut TaskCx) {
        dev_info!(pdev, "unbound, with {} samples\n", this.samples.len());
    }
}

kalloc::module_platform_driver! {
    type: MyDriver,
    name: "mydriver",
    authors: ["You"],
    description: "A platform driver that uses kalloc",
    license: "GPL",
}
