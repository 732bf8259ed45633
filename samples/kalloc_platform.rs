// SPDX-License-Identifier: GPL-2.0

//! A platform driver that frees nothing by hand: what it allocates ends with the binding.
//!
//! It binds to a platform device of its name, to one that ACPI describes (`KALL0001`) and to one of
//! the device tree (`kalloc,platform`). Each device has a directory `kalloc_platform-DEVICE` in
//! debugfs, which is root's.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    dma::{Coherent, DmaAddress, DmaDevice},
    platform,
    prelude::*,
    slab::{Args, Cache, SlabBox},
};
use kernel::{
    acpi,
    debugfs::Scope,
    device::{Core, Device},
    of,
    platform::Device as PlatformDevice,
};

/// How the driver came to a device, for each entry of the tables.
struct Table(&'static str);

kernel::acpi_device_table!(
    ACPI_TABLE,
    Table,
    [(acpi::DeviceId::new(c"KALL0001"), Table("ACPI"))]
);

kernel::of_device_table!(
    OF_TABLE,
    Table,
    [(of::DeviceId::new(c"kalloc,platform"), Table("OF"))]
);

/// What debugfs shows of a device.
#[derive(Debug)]
#[allow(dead_code)] // Its fields are printed.
struct State {
    bound_by: &'static str,
    requests: u32,
    ring: DmaAddress,
}

/// What the device would work on.
struct Request {
    _slot: u32,
}

/// The driver's data, which ends before what devm gave: so it may borrow that.
struct Data<'bound> {
    /// In devm memory.
    state: &'bound State,
    /// What the device would read.
    _ring: Coherent<'bound, [u64]>,
    /// Of a slab cache that belongs to the device.
    _requests: KVec<SlabBox<Request, &'bound Cache<Request>>>,
}

/// How many probes there were, deferred ones too.
static PROBES: AtomicU32 = AtomicU32::new(0);

impl<'bound> Data<'bound> {
    fn new(
        pdev: &'bound PlatformDevice<Core<'_>>,
        table: Option<&Table>,
        task: &TaskCx,
    ) -> Result<Self> {
        let dev: &'bound Device<Core<'_>> = pdev.as_ref();
        let slots = module_parameters::slots.value();
        if !(1..=1024).contains(&slots) {
            dev_err!(dev, "slots={slots} is not between 1 and 1024\n");
            return Err(EINVAL);
        }
        let number = PROBES.fetch_add(1, Relaxed);

        // A cache has to be destroyed, so the device gets its drop together with its memory. Its end
        // may come after the next probe, so no name comes twice; and its name ends with it because
        // it is merged with no other.
        let name = Devm::kasprintf(task, dev, fmt!("kalloc_platform-{number}"))?;
        let cache = Cache::create(task, &Args::new(&name).no_merge())?;
        let cache = Devm::new_with_drop(task, dev, cache)?;
        name.free(task);

        let cache: &'bound Cache<Request> = cache.into_mut();
        let mut requests = KVec::with_capacity(task, slots as usize)?;
        for _slot in 0..slots {
            requests.push(task, SlabBox::new(task, cache, Request { _slot })?)?;
        }

        let dma = DmaDevice::set_mask_and_coherent::<32, _>(task, pdev)?;
        let ring = Coherent::zeroed_slice(task, dma, slots as usize)?;
        let address = ring.dma_address();
        // It is shown to people only. A driver whose device is told it stops the device in `unbind`,
        // and says with `BoundScope::quiesce` how to see that it has stopped.
        let ring = ring.not_told();

        let state = State {
            bound_by: table.map_or("its name", |table| table.0),
            requests: slots,
            ring: address,
        };
        let data = Self {
            state: Devm::new(task, dev, state)?.into_mut(),
            _ring: ring,
            _requests: requests,
        };

        // All of the above is undone by itself.
        if number < module_parameters::defer.value() {
            return Err(EPROBE_DEFER);
        }
        Ok(data)
    }
}

struct Driver;

impl platform::Driver for Driver {
    type IdInfo = Table;
    // A directory of debugfs, which goes before the data that its files show.
    type Data<'bound> = Scope<Data<'bound>>;

    const OF_ID_TABLE: Option<of::IdTable<Table>> = Some(&OF_TABLE);
    const ACPI_ID_TABLE: Option<acpi::IdTable<Table>> = Some(&ACPI_TABLE);

    fn probe<'bound>(
        pdev: &'bound PlatformDevice<Core<'_>>,
        table: Option<&'bound Table>,
        task: &mut TaskCx,
    ) -> impl PinInit<Scope<Data<'bound>>, Error> {
        pin_init::pin_init_scope(move || {
            let dev: &'bound Device<Core<'_>> = pdev.as_ref();
            let data = Data::new(pdev, table, task)?;
            dev_info!(dev, "{:?}\n", data.state);

            let name = Devm::kasprintf(&task, dev, fmt!("kalloc_platform-{}", dev.name()))?;
            Ok(Scope::<Data<'bound>>::dir(
                Ok::<_, Error>(data),
                name.into_mut(),
                |data, directory| directory.read_only_file(c"state", data.state),
            ))
        })
    }
}

kalloc::module_platform_driver! {
    type: Driver,
    name: "kalloc_platform",
    authors: ["The kalloc authors"],
    description: "kalloc sample: a platform driver that frees nothing by hand",
    license: "GPL",
    alias: ["platform:kalloc_platform"],
    params: {
        slots: u32 {
            default: 16,
            description: "Requests of each device, 1 to 1024",
        },
        defer: u32 {
            default: 0,
            description: "How many probes to put off, as if something were missing yet",
        },
    },
}
