// SPDX-License-Identifier: GPL-2.0

//! DMA memory of a PCI device, for QEMU's `-device pci-testdev`: what the kernel's own sample
//! `samples/rust/rust_dma.rs` does.
//!
//! In C: `dma_set_mask_and_coherent()`, `dma_alloc_coherent()`, `sg_alloc_table_from_pages()`,
//! `dma_map_sgtable()`, `dma_unmap_sgtable()`, `sg_free_table()`, `dma_free_coherent()`.

use kalloc::{
    dma::{DeviceOwned, SgTable, ToDevice},
    pci,
    prelude::*,
};
use kernel::{
    device::{Bound, Core},
    io::{io_project, io_read, Io},
    page::PAGE_SIZE,
    pci::{DeviceId, IdTable, Vendor},
};

const TEST_VALUES: [(u32, u32); 5] = [
    (0xa, 0xb),
    (0xc, 0xd),
    (0xe, 0xf),
    (0xab, 0xba),
    (0xcd, 0xef),
];

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Pair {
    h: u32,
    b: u32,
}

/// Dropped when the device loses its driver, unmapped and freed when it cannot use them any more.
struct Buffers<'bound> {
    pairs: Coherent<'bound, [Pair]>,
    pages: SgTable<'bound, VBox<[u8]>, ToDevice, DeviceOwned>,
}

struct Driver;

kernel::pci_device_table!(
    TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(DeviceId::from_id(Vendor::REDHAT, 0x5), ())]
);

fn buffers<'bound>(
    dev: &'bound kernel::pci::Device<Core<'_>>,
    task: &TaskCx,
) -> Result<Buffers<'bound>> {
    let dma = DmaDevice::set_mask_and_coherent::<64, _>(task, dev)?;
    let pairs = Coherent::zeroed_slice(task, dma, TEST_VALUES.len())?;
    for (i, (h, b)) in TEST_VALUES.into_iter().enumerate() {
        io_project!(pairs, [panic: i]).copy_write(Pair { h, b });
    }
    let pages = VBox::zeroed_slice(task, 4 * PAGE_SIZE)?;
    let pages = SgTable::<_, ToDevice>::map(task, dma, pages)?;
    // Here a driver tells the device the addresses. This device has nothing to tell them to.
    let pages = pages.into_device();
    Ok(Buffers { pairs, pages })
}

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Buffers<'bound>;
    const ID_TABLE: IdTable<()> = &TABLE;

    fn probe<'bound>(
        dev: &'bound kernel::pci::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Buffers<'bound>, Error> {
        dev_info!(dev, "probed\n");
        buffers(dev, task)
    }

    fn unbind<'bound>(
        dev: &'bound kernel::pci::Device<Bound>,
        this: Pin<&Buffers<'bound>>,
        _task: &mut TaskCx,
    ) {
        for (i, (h, b)) in TEST_VALUES.into_iter().enumerate() {
            let pair = io_project!(this.pairs, [panic: i]);
            assert_eq!((io_read!(pair, .h), io_read!(pair, .b)), (h, b));
        }
        dev_info!(
            dev,
            "{} pairs at {:#x}, {} bytes in segments: {}\n",
            TEST_VALUES.len(),
            this.pairs.dma_address(),
            this.pages.size(),
            this.pages.segments().count()
        );
    }
}

kalloc::module_pci_driver! {
    type: Driver,
    name: "kalloc_dma",
    authors: ["The kalloc authors"],
    description: "DMA memory of a PCI device",
    license: "GPL",
}
