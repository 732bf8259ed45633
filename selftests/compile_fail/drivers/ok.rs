// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass
//@ignore-target: linux-7-2

use kalloc::{pci, platform, prelude::*};
use kernel::device::{Bound, Core};

struct Right<'a> {
    _dev: &'a kernel::platform::Device<kernel::device::Bound>,
    samples: KBox<[u32]>,
}

impl platform::Driver for Right<'_> {
    type IdInfo = ();
    type Data<'bound> = Right<'bound>;

    fn probe<'bound>(
        dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Right<'bound>, Error> {
        Ok(Right {
            _dev: dev,
            samples: KBox::zeroed_slice(&task, 64)?,
        })
    }

    fn unbind<'bound>(
        _dev: &'bound kernel::platform::Device<Bound>,
        this: Pin<&Right<'bound>>,
        task: &mut TaskCx,
    ) {
        if let Ok(last) = KBox::new(&task, this.samples[0]) {
            pr_info!("{}\n", *last);
        }
    }
}

#[pin_data]
struct Card {
    value: KBox<u32>,
}

kernel::pci_device_table!(
    TABLE,
    <Card as pci::Driver>::IdInfo,
    [(kernel::pci::DeviceId::from_id(pci::vendor(0x1234), 0x11e8), ())]
);

impl pci::Driver for Card {
    type IdInfo = ();
    type Data<'bound> = Self;
    const ID_TABLE: kernel::pci::IdTable<()> = &TABLE;

    // The token moves into the initialiser.
    fn probe<'bound>(
        dev: &'bound kernel::pci::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            dev.enable_device_mem()?;
            Ok::<_, Error>(try_pin_init!(Card { value: helper(task)? }))
        })
    }

    fn unbind<'bound>(
        _dev: &'bound kernel::pci::Device<Bound>,
        this: Pin<&Self>,
        _task: &mut TaskCx,
    ) {
        pr_info!("{}\n", *this.value);
    }
}

fn helper(task: &mut TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new(&task, 1)?)
}

struct Both;

impl kalloc::Module for Both {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Both)
    }
}

kalloc::module! {
    type: Both,
    drivers: { platform: Right<'static>, platform: Right<'static> = c"right", pci: Card },
    name: "ok",
    authors: ["The kalloc authors"],
    description: "A module with drivers",
    license: "GPL",
}

/// What a module of kalloc has of the kernel crate's module of that name.
pub fn names(pci: &kalloc::pci::Device, platform: &kalloc::platform::Device) -> kalloc::sync::aref::ARef<kernel::device::Device> {
    let _vendor: kalloc::pci::Vendor = pci.vendor_id();
    let _size = kalloc::page::PAGE_SIZE;
    let device: &kernel::device::Device = platform.as_ref();
    device.into()
}
