// SPDX-License-Identifier: GPL-2.0

//! DMA that a device really does: QEMU's `edu`, which copies between memory and 4096 bytes of its
//! own. On a plain x86 machine synchronising does nothing, so host/dma.sh runs this with bounce
//! buffers and behind an IOMMU too.

use core::{
    mem::transmute,
    sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering},
};
use kalloc::{
    dma::{
        Bidirectional, Busy, DeviceOwned, DmaAddress, DmaPool, FromDevice, MapFailed, MappedRange,
        Noncoherent, PageList, Quiesce, Segments, SgMapFailed, SgTable, Streaming, ToDevice,
    },
    driver::Register,
    pci,
    prelude::*,
};
use kernel::{
    bindings,
    device::{Bound, Core, Device},
    io::{io_project, io_read, Io},
    new_spinlock,
    page::PAGE_SIZE,
    time::{delay::fsleep, Delta},
};
use testdma::{
    Seen, ALLOC, ALLOC_PAGES, FREE, FREE_PAGES, MAP, MAP_SG, SYNC_FOR_CPU, SYNC_FOR_DEVICE,
    SYNC_SG_FOR_CPU, SYNC_SG_FOR_DEVICE, UNMAP, UNMAP_SG,
};
use testlib::{c, check, check_eq, in_softirq, Outcome, Stop};

#[path = "../lib/testdma.rs"]
mod testdma;
#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_edu":
    coherent_memory_goes_there_and_back,
    blocks_of_a_pool_go_there_and_back,
    a_streaming_buffer_goes_there_and_back,
    what_comes_is_seen_between_two_transfers,
    what_goes_is_written_between_two_transfers,
    a_value_goes_both_ways,
    pages_of_each_kind,
    noncoherent_pages_go_there_and_back,
    a_busy_device_keeps_the_buffer,
    a_buffer_without_bytes_is_given_back,
    a_buffer_too_large_to_bounce_is_given_back,
    the_kernel_sees_the_whole_buffer,
    attributes_of_a_mapping,
    mapped_in_each_context,
    dropped_while_the_cpu_has_it,
    dropped_while_the_device_has_it,
    bus_mastering_that_comes_back_writes_to_no_other_memory,
    shared_memory_dropped_while_the_device_has_it,
    evidence_frees_shared_memory_at_once,
    evidence_of_another_device_is_an_error,
    what_the_device_is_not_told_is_unmapped,
    slots_of_a_ring_stay_where_they_are,
    the_kernel_s_sample_loses_nothing,
    noncoherent_pages_are_freed_once,
    without_the_sync_the_data_is_old,
    an_iommu_gives_its_own_addresses,
    scattered_pages_go_there_and_back,
    vmalloc_memory_goes_there_and_back,
    segments_are_seen_between_two_transfers,
    pages_that_follow_are_one_segment,
    a_busy_device_keeps_the_segments,
    segments_that_are_not_mapped_are_given_back,
    the_kernel_sees_the_segments,
    segments_mapped_in_each_context,
    segments_dropped_while_the_device_has_them,
}

// The device ----------------------------------------------------------------------------------------------------------

const SOURCE: usize = 0x80;
const DESTINATION: usize = 0x88;
const COUNT: usize = 0x90;
const COMMAND: usize = 0x98;
const START: u32 = 1;
const TO_MEMORY: u32 = 2;

/// Where the device has its own memory, in its own addresses.
const OWN: u32 = 0x40000;
const OWN_SIZE: usize = 4096;

struct Edu<'bound> {
    bar: kernel::pci::Bar<'bound, 0xa0>,
    pdev: &'bound kernel::pci::Device<Bound>,
}

impl Edu<'_> {
    fn start(&mut self, source: u32, destination: u32, count: usize, command: u32) {
        self.bar.write32(source, SOURCE);
        self.bar.write32(destination, DESTINATION);
        self.bar.write32(count as u32, COUNT);
        self.bar.write32(command | START, COMMAND);
    }

    /// Tells it to read from memory, and returns at once.
    fn start_reading(&mut self, from: DmaAddress, count: usize) {
        self.start(from as u32, OWN, count, 0);
    }

    /// Tells it to write to memory, and returns at once.
    fn start_writing(&mut self, to: DmaAddress, count: usize) {
        self.start(OWN, to as u32, count, TO_MEMORY);
    }

    fn wait(&mut self, _task: &mut TaskCx) -> Result {
        for _ in 0..2000 {
            if self.bar.read32(COMMAND) & START == 0 {
                return Ok(());
            }
            fsleep(Delta::from_millis(5));
        }
        Err(ETIMEDOUT)
    }

    fn read(&mut self, task: &mut TaskCx, from: DmaAddress, count: usize) -> Result {
        self.start_reading(from, count);
        self.wait(task)
    }

    fn write(&mut self, task: &mut TaskCx, to: DmaAddress, count: usize) -> Result {
        self.start_writing(to, count);
        self.wait(task)
    }

    /// Whether mappings are copies.
    fn bounces(&self, handle: DmaAddress, memory: *const u8) -> bool {
        let dev = self.raw();
        // SAFETY: It is bound.
        let translated = unsafe { !(*dev).iommu.is_null() && !(*dev).iommu_group.is_null() };
        !translated && handle != phys(memory)
    }

    fn raw(&self) -> *mut bindings::device {
        let dev: &kernel::device::Device = self.pdev.as_ref();
        core::ptr::from_ref(dev).cast_mut().cast()
    }
}

/// The physical address of memory of kmalloc.
fn phys(memory: *const u8) -> u64 {
    // SAFETY: It is an address of the direct map.
    unsafe { c::testlib_phys(memory.cast()) }
}

impl Quiesce for Edu<'_> {
    fn device(&self) -> &Device<Bound> {
        self.pdev.as_ref()
    }

    fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
        self.bar.read32(COMMAND) & START == 0
    }
}

type Step = for<'bound> fn(&mut TaskCx, &mut Edu<'bound>, DmaDevice<'bound>) -> Outcome;

/// What probe runs, and how it ended: 1 if well, -1 if not, 2 if skipped, 0 if it did not run.
static STEP: AtomicUsize = AtomicUsize::new(0);
static ENDED: AtomicI32 = AtomicI32::new(0);

/// Whether the kernel synchronises what the device of the last step has.
static SYNCS: AtomicBool = AtomicBool::new(false);

kernel::pci_device_table!(
    TABLE,
    (),
    [(
        kernel::pci::DeviceId::from_id(pci::vendor(0x1234), 0x11e8),
        ()
    )]
);

struct Driver;

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = ();
    const ID_TABLE: kernel::pci::IdTable<()> = &TABLE;

    fn probe<'bound>(
        pdev: &'bound kernel::pci::Device<Core<'_>>,
        _info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<(), Error> {
        let dev: &Device<Bound> = pdev.as_ref();
        if chosen() != Some(core::ptr::from_ref(dev).cast()) {
            return Err(ENODEV);
        }
        let outcome = run(task, pdev);
        ENDED.store(
            match &outcome {
                Ok(()) => 1,
                Err(Stop::Skip(_)) => 2,
                Err(Stop::Fail) => -1,
            },
            Ordering::Release,
        );
        outcome.map_err(|_| ENODEV)
    }
}

fn run<'bound>(task: &mut TaskCx, pdev: &'bound kernel::pci::Device<Core<'_>>) -> Outcome {
    // SAFETY: `on_edu` stored it.
    let step = unsafe { transmute::<usize, Step>(STEP.load(Ordering::Acquire)) };
    pdev.enable_device_mem()?;
    pdev.set_master();
    let mut edu = Edu {
        bar: pdev.iomap_region_sized::<0xa0>(0, c"kalloc_test_edu")?,
        pdev,
    };
    // Bounce buffers are somewhere below 4 GiB, and so reaches the device of host/dma.sh.
    // SAFETY: It is bound.
    let dma = if unsafe { bindings::dma_max_mapping_size(edu.raw()) } < 1 << 20 {
        DmaDevice::set_mask_and_coherent::<32, _>(task, pdev)?
    } else {
        DmaDevice::set_mask_and_coherent::<28, _>(task, pdev)?
    };
    step(task, &mut edu, dma)?;
    // SAFETY: It is bound.
    let syncs = unsafe { c::testlib_dma_need_sync(edu.raw().cast()) };
    SYNCS.store(syncs, Ordering::Release);
    Ok(())
}

/// So many synchronisations; the kernel does none while nothing of the device was ever copied.
fn syncs(expected: usize) -> usize {
    if SYNCS.load(Ordering::Acquire) {
        expected
    } else {
        0
    }
}

/// The card that the tests use, where there are two.
fn chosen() -> Option<*const bindings::device> {
    // SAFETY: It takes a reference, which is put below.
    let pdev = unsafe { bindings::pci_get_device(0x1234, 0x11e8, core::ptr::null_mut()) };
    // SAFETY: It was taken above, or is NULL; the device stays.
    unsafe { bindings::pci_dev_put(pdev) };
    // SAFETY: It is a device.
    (!pdev.is_null()).then(|| unsafe { &raw const (*pdev).dev })
}

/// Binds the device and runs `step` in probe. What the kernel saw meanwhile.
fn on_edu(task: &mut TaskCx, step: Step) -> Result<Seen, Stop> {
    let Some(dev) = chosen() else {
        return Err(Stop::Skip("no edu device here"));
    };
    STEP.store(step as usize, Ordering::Release);
    ENDED.store(0, Ordering::Release);
    Seen::start(dev);
    // SAFETY: The initialiser runs in process context, and its result is dropped there.
    let driver = unsafe {
        pci::Registration::<Driver>::register(c"kalloc_test_edu", testlib::this_module())
    };
    let bound = KBox::pin_init(&task, driver);
    drop(bound);
    let seen = Seen::stop();
    match ENDED.load(Ordering::Acquire) {
        1 => Ok(seen),
        2 => Err(Stop::Skip("not on this machine")),
        ended => {
            pr_info!("# the step ended with {}\n", ended);
            Err(Stop::Fail)
        }
    }
}

/// A buffer that 28 bits reach.
fn buffer(task: &TaskCx, len: usize) -> Result<KBox<[u8]>> {
    Ok(KBox::zeroed_slice(task.with(GFP_KERNEL.dma()), len)?)
}

fn fill(bytes: &mut [u8], seed: u8) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = value(index, seed);
    }
}

fn value(index: usize, seed: u8) -> u8 {
    (index * 7 + index / 256) as u8 ^ seed
}

fn holds(bytes: &[u8], seed: u8) -> bool {
    let held = bytes
        .iter()
        .enumerate()
        .all(|(index, byte)| *byte == value(index, seed));
    if !held {
        pr_info!(
            "# {:x?} and so on, not {:x?}\n",
            bytes.get(..4),
            [
                value(0, seed),
                value(1, seed),
                value(2, seed),
                value(3, seed)
            ]
        );
    }
    held
}

/// Gives the device that data.
fn give<'bound>(
    task: &mut TaskCx,
    edu: &mut Edu<'bound>,
    dma: DmaDevice<'bound>,
    seed: u8,
) -> Outcome {
    let mut data = buffer(task, OWN_SIZE)?;
    fill(&mut data, seed);
    let data = Streaming::<_, ToDevice>::map(task, dma, data)?.into_device();
    edu.read(task, data.dma_address(), OWN_SIZE)?;
    data.unmap(&task, edu)?;
    Ok(())
}

// Data ----------------------------------------------------------------------------------------------------------------

fn coherent_memory_goes_there_and_back(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        let mut values = buffer(task, OWN_SIZE)?;
        fill(&mut values, 17);
        let there = Coherent::from_slice(&task, dma, &values)?;
        let back = Coherent::<[u8]>::zeroed_slice(&task, dma, OWN_SIZE)?;
        edu.read(task, there.dma_address(), OWN_SIZE)?;
        edu.write(task, back.dma_address(), OWN_SIZE)?;
        for index in 0..OWN_SIZE {
            check_eq!(io_read!(back, [panic: index]), value(index, 17));
        }
        Ok(())
    })?;
    Ok(())
}

fn blocks_of_a_pool_go_there_and_back(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        let pool = DmaPool::<[u32; 8]>::with::<32, 0>(task, dma, c"edu")?;
        let there = pool.alloc(&task, [1, 2, 3, 4, 5, 6, 7, 8])?;
        let back = pool.zeroed(&task)?;
        edu.read(task, there.dma_address(), 32)?;
        edu.write(task, back.dma_address(), 32)?;
        check_eq!(back.copy_read(), there.copy_read());
        check_eq!(io_read!(back, [panic: 7]), 8);
        Ok(())
    })?;
    Ok(())
}

fn a_streaming_buffer_goes_there_and_back(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        for seed in [3, 200] {
            give(task, edu, dma, seed)?;
            let back = buffer(task, OWN_SIZE)?;
            let back = Streaming::<_, FromDevice>::map(task, dma, back)?.into_device();
            edu.write(task, back.dma_address(), OWN_SIZE)?;
            let back = back.unmap(&task, edu)?;
            check!(holds(&back, seed));
        }
        Ok(())
    })?;
    Ok(())
}

fn what_comes_is_seen_between_two_transfers(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let mut back =
            Streaming::<_, FromDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?.into_device();
        for seed in [1, 2, 3] {
            give(task, edu, dma, seed)?;
            edu.write(task, back.dma_address(), OWN_SIZE)?;
            let ours = back.sync_for_cpu(edu)?;
            check!(holds(&ours, seed));
            back = ours.sync_for_device().into_device();
        }
        drop(back.unmap(&task, edu)?);
        Ok(())
    })?;
    check_eq!(seen.count(SYNC_FOR_CPU), syncs(3));
    check_eq!(seen.count(SYNC_FOR_DEVICE), syncs(3));
    Ok(())
}

fn what_goes_is_written_between_two_transfers(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        let mut there =
            Streaming::<_, ToDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?.into_device();
        for seed in [4, 5, 6] {
            let mut data = buffer(task, OWN_SIZE)?;
            fill(&mut data, seed);
            let mut ours = there.sync_for_cpu(edu)?;
            ours.fill(0);
            check!(ours.copy_from_slice(0, &data).is_ok());
            check!(ours.copy_from_slice(1, &data).is_err());
            check!(ours.copy_from_slice(usize::MAX, &data).is_err());
            there = ours.sync_for_device().into_device();
            edu.read(task, there.dma_address(), OWN_SIZE)?;

            let back =
                Streaming::<_, FromDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?.into_device();
            edu.write(task, back.dma_address(), OWN_SIZE)?;
            check!(holds(&back.unmap(&task, edu)?, seed));
        }
        drop(there.unmap(&task, edu)?);
        Ok(())
    })?;
    Ok(())
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, PartialEq)]
#[repr(C)]
struct Message {
    number: u64,
    bytes: [u8; 56],
}

fn a_value_goes_both_ways(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let size = size_of::<Message>();
        let first = Message {
            number: 0x0123_4567_89ab_cdef,
            bytes: [9; 56],
        };
        let memory = KBox::new(task.with(GFP_KERNEL.dma()), first)?;
        let memory = Streaming::<_, Bidirectional>::map(task, dma, memory)?.into_device();
        edu.read(task, memory.dma_address(), size)?;
        let mut ours = memory.sync_for_cpu(edu)?;
        check_eq!(*ours, first);
        ours.number = 1;
        ours.bytes = [0; 56];
        let memory = ours.sync_for_device().into_device();
        edu.write(task, memory.dma_address(), size)?;
        let mut ours = memory.sync_for_cpu(edu)?;
        check_eq!(*ours, first);
        // What the CPU writes is there after unmapping.
        ours.number = 2;
        check_eq!(ours.unmap(&task).number, 2);
        Ok(())
    })?;
    check!(seen
        .events()
        .all(|event| event.size == size_of::<Message>()));
    Ok(())
}

fn pages_of_each_kind(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        // The second page of two goes there, and comes back to the first.
        macro_rules! there_and_back {
            ($pages:expr, |$bytes:ident| $get:expr) => {{
                let mut pages = $pages;
                {
                    let $bytes = &mut pages;
                    fill(&mut $get[OWN_SIZE..2 * OWN_SIZE], 77);
                }
                let pages = Streaming::<_, Bidirectional>::map(task, dma, pages)?.into_device();
                edu.read(task, pages.dma_address() + OWN_SIZE as u64, OWN_SIZE)?;
                edu.write(task, pages.dma_address(), OWN_SIZE)?;
                let ours = pages.sync_for_cpu(edu)?;
                check!(holds(&ours[..OWN_SIZE], 77));
                drop(ours);
            }};
        }
        there_and_back!(
            Pages::zeroed(task.with(GFP_KERNEL.dma()), Order::<1>)?,
            |pages| pages.page_address_mut()
        );
        there_and_back!(
            FreePages::zeroed(task.with(GFP_KERNEL.dma()), Order::<1>)?,
            |p| p
        );
        there_and_back!(
            ExactPages::zeroed(task.with(GFP_KERNEL.dma()), 2 * OWN_SIZE)?,
            |p| p
        );
        Ok(())
    })?;
    Ok(())
}

fn noncoherent_pages_go_there_and_back(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let mut there = Noncoherent::<[u8], ToDevice>::zeroed_slice(&task, dma, OWN_SIZE)?;
        let mut back = Noncoherent::<[u8; OWN_SIZE], FromDevice>::zeroed(&task, dma)?
            .sync_for_device()
            .into_device();
        for seed in [41, 43] {
            for index in 0..OWN_SIZE {
                check!(there.copy_from_slice(index, &[value(index, seed)]).is_ok());
            }
            let given = there.sync_for_device().into_device();
            edu.read(task, given.dma_address(), OWN_SIZE)?;
            edu.write(task, back.dma_address(), OWN_SIZE)?;
            there = given.sync_for_cpu(edu)?;
            let ours = back.sync_for_cpu(edu)?;
            check!(holds(&*ours, seed));
            back = ours.sync_for_device().into_device();
        }
        let message = Message {
            number: 5,
            bytes: [6; 56],
        };
        let both = Noncoherent::<_, Bidirectional>::new(&task, dma, message)?
            .sync_for_device()
            .into_device();
        edu.read(task, both.dma_address(), both.size())?;
        let mut ours = both.sync_for_cpu(edu)?;
        ours.number = 0;
        let both = ours.sync_for_device().into_device();
        edu.write(task, both.dma_address(), both.size())?;
        check_eq!(*both.sync_for_cpu(edu)?, message);
        drop(back.sync_for_cpu(edu)?);
        Ok(())
    })?;
    check_eq!(seen.count(SYNC_FOR_DEVICE), syncs(7));
    check_eq!(seen.count(SYNC_FOR_CPU), syncs(7));
    Ok(())
}

// Owners --------------------------------------------------------------------------------------------------------------

fn a_busy_device_keeps_the_buffer(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 11)?;
        let back =
            Streaming::<_, FromDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?.into_device();
        let handle = back.dma_address();
        edu.start_writing(handle, OWN_SIZE);
        // The device takes a tenth of a second.
        let Err(Busy { memory: back, .. }) = back.sync_for_cpu(edu) else {
            return Err(Stop::Fail);
        };
        let Err(busy) = back.unmap(&task, edu) else {
            return Err(Stop::Fail);
        };
        check_eq!(busy.error.to_errno(), EBUSY.to_errno());
        let back = busy.memory;
        check_eq!(back.dma_address(), handle);
        edu.wait(task)?;
        check!(holds(&back.unmap(&task, edu)?, 11));
        Ok(())
    })?;
    Ok(())
}

fn a_buffer_without_bytes_is_given_back(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, _, dma| {
        let empty = KBox::<[u8]>::zeroed_slice(&task, 0)?;
        match Streaming::<_, ToDevice>::map(task, dma, empty) {
            Err(MapFailed(empty)) => check_eq!(empty.len(), 0),
            Ok(_) => return Err(Stop::Fail),
        }
        Ok(())
    })?;
    check_eq!(seen.count(MAP), 0);
    Ok(())
}

fn a_buffer_too_large_to_bounce_is_given_back(task: &mut TaskCx) -> Outcome {
    const SIZE: usize = 1 << 20;
    let seen = on_edu(task, |task, _, dma| {
        if dma.max_mapping_size() >= SIZE {
            return Err(Stop::Skip("nothing is too large here"));
        }
        let mut large = KBox::<[u8]>::zeroed_slice(&task, SIZE)?;
        fill(&mut large, 1);
        match Streaming::<_, ToDevice, _, _>::map(task, dma.no_warn(), large) {
            Err(failed) => {
                check!(holds(&failed.0, 1));
                check_eq!(Error::from(failed).to_errno(), EIO.to_errno());
            }
            Ok(_) => return Err(Stop::Fail),
        }
        Ok(())
    })?;
    check_eq!(seen.count(UNMAP), 0);
    Ok(())
}

fn the_kernel_sees_the_whole_buffer(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let memory = Streaming::<_, FromDevice>::map(task, dma, buffer(task, 300)?)?.into_device();
        let ours = memory.sync_for_cpu(edu)?;
        drop(ours.sync_for_device().into_device().unmap(&task, edu)?);
        Ok(())
    })?;
    let map = seen.of(MAP).next().ok_or(Stop::Fail)?;
    check_eq!((map.size, map.dir, map.attrs), (300, 2, 0));
    let mut kinds = seen.events().map(|event| event.kind);
    for kind in [MAP, SYNC_FOR_CPU, SYNC_FOR_DEVICE, UNMAP] {
        if [MAP, UNMAP].contains(&kind) || syncs(1) == 1 {
            check_eq!(kinds.next(), Some(kind));
        }
    }
    check_eq!(kinds.next(), None);
    check!(seen.events().all(|event| event.handle == map.handle
        && event.size == 300
        && event.dir == 2
        && event.attrs == 0));
    Ok(())
}

/// `DMA_ATTR_SKIP_CPU_SYNC`.
const SKIP_SYNC: usize = 1 << 5;

fn attributes_of_a_mapping(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let dma = dma.weak_ordering().no_warn();
        let memory =
            Streaming::<_, ToDevice, _, _>::map(task, dma, buffer(task, 64)?)?.into_device();
        drop(memory.unmap(&task, edu)?);
        let memory =
            Streaming::<_, ToDevice, _, _>::map(task, dma, buffer(task, 64)?)?.into_device();
        drop(memory.sync_for_cpu(edu)?.unmap(&task));
        Ok(())
    })?;
    let attrs = 1 << 1 | 1 << 8;
    check_eq!(seen.count(MAP), 2);
    check!(seen.of(MAP).all(|map| map.attrs == attrs));
    let mut unmaps = seen.of(UNMAP).map(|unmap| unmap.attrs);
    check_eq!(unmaps.next(), Some(attrs));
    check_eq!(unmaps.next(), Some(attrs | SKIP_SYNC));
    Ok(())
}

fn mapped_in_each_context(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let mut memory = Some(buffer(task, 64)?);
        let mut mapped = None;
        in_softirq(|cx| {
            mapped = memory
                .take()
                .and_then(|memory| Streaming::<_, ToDevice>::map(&cx, dma, memory).ok())
        })?;
        let mapped = mapped.ok_or(Stop::Fail)?;
        let lock = KBox::pin_init(&task, new_spinlock!(()))?;
        task.locked(&lock, |(), cx| -> Outcome {
            let memory = mapped.into_device().unmap(&cx, edu)?;
            drop(
                Streaming::<_, ToDevice>::map(&cx, dma, memory)?
                    .into_device()
                    .sync_for_cpu(edu)?,
            );
            Ok(())
        })
    })?;
    check_eq!(seen.count(MAP), 2);
    check_eq!(seen.count(UNMAP), 2);
    Ok(())
}

fn dropped_while_the_cpu_has_it(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let memory = Streaming::<_, FromDevice>::map(task, dma, buffer(task, 512)?)?.into_device();
        drop(memory.sync_for_cpu(edu)?);
        Ok(())
    })?;
    let unmap = seen.of(UNMAP).next().ok_or(Stop::Fail)?;
    check_eq!(seen.count(UNMAP), 1);
    check_eq!((unmap.size, unmap.attrs), (512, SKIP_SYNC));
    check_eq!(
        seen.of(MAP).next().map(|map| map.handle),
        Some(unmap.handle)
    );
    Ok(())
}

/// The device's own memory to one address, as much as there is of both.
fn victims(task: &TaskCx) -> Result<KVec<KBox<[u8]>>> {
    let mut victims = KVec::new();
    for _ in 0..64 {
        victims.push(task, buffer(task, OWN_SIZE)?)?;
    }
    Ok(victims)
}

fn untouched(victims: &KVec<KBox<[u8]>>) -> bool {
    victims.iter().all(|victim| {
        // SAFETY: It is memory of the box. A device that writes it is what is looked for.
        (0..OWN_SIZE).all(|at| unsafe { victim.as_ptr().add(at).read_volatile() } == 0)
    })
}

fn dropped_while_the_device_has_it(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 19)?;
        let back = buffer(task, OWN_SIZE)?.into_raw();
        // SAFETY: As above.
        let memory = Streaming::<_, FromDevice>::map(task, dma, unsafe { KBox::from_raw(back) })?;
        let memory = memory.into_device();
        edu.start_writing(memory.dma_address(), OWN_SIZE);
        drop(memory);
        // Who gets memory now does not get that.
        let victims = victims(task)?;
        check!(victims.iter().all(|victim| victim.as_ptr() != back.cast()));
        edu.wait(task)?;
        check!(untouched(&victims));
        Ok(())
    })?;
    // One is that of `give`, one of the end of the binding.
    check_eq!(seen.count(UNMAP), 2);
    Ok(())
}

fn bus_mastering_that_comes_back_writes_to_no_other_memory(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 21)?;
        let memory = Streaming::<_, FromDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?;
        let memory = memory.into_device();
        edu.start_writing(memory.dma_address(), OWN_SIZE);
        let pdev = core::ptr::from_ref(edu.pdev).cast_mut().cast();
        // SAFETY: It is bound.
        unsafe { bindings::pci_clear_master(pdev) };
        // The driver gives up: this was evidence once.
        drop(memory);
        // SAFETY: It is bound.
        unsafe { bindings::pci_set_master(pdev) };
        let victims = victims(task)?;
        edu.wait(task)?;
        check!(untouched(&victims));
        Ok(())
    })?;
    check_eq!(seen.count(MAP), 2);
    check_eq!(seen.count(UNMAP), 2);
    Ok(())
}

fn shared_memory_dropped_while_the_device_has_it(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 25)?;
        let memory = Coherent::<[u8; OWN_SIZE]>::zeroed(&task, dma)?;
        let pool = DmaPool::<[u8; OWN_SIZE]>::new(task, dma, c"edu")?;
        let block = pool.zeroed(&task)?;
        edu.start_writing(memory.dma_address(), OWN_SIZE);
        drop(memory);
        let victims = [
            Coherent::<[u8; OWN_SIZE]>::zeroed(&task, dma)?,
            Coherent::<[u8; OWN_SIZE]>::zeroed(&task, dma)?,
        ];
        edu.wait(task)?;
        check!(victims
            .iter()
            .all(|victim| (0..OWN_SIZE).all(|index| io_read!(*victim, [panic: index]) == 0)));
        // A part has the address of the whole.
        edu.start_writing(io_project!(block, [panic: 0]).dma_address(), OWN_SIZE);
        drop(block);
        let victims = [pool.zeroed(&task)?, pool.zeroed(&task)?];
        edu.wait(task)?;
        check!(victims
            .iter()
            .all(|victim| (0..OWN_SIZE).all(|index| io_read!(*victim, [panic: index]) == 0)));
        drop(victims);
        // It stays, for the block.
        pool.destroy(task);
        Ok(())
    })?;
    check_eq!(seen.count(FREE), seen.count(ALLOC));
    Ok(())
}

fn evidence_frees_shared_memory_at_once(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 27)?;
        let memory = Coherent::<[u8; OWN_SIZE]>::zeroed(&task, dma)?;
        let address = memory.dma_address();
        edu.start_writing(address, OWN_SIZE);
        let Err(busy) = memory.free(task, edu) else {
            return Err(Stop::Fail);
        };
        check_eq!(busy.error.to_errno(), EBUSY.to_errno());
        edu.wait(task)?;
        check_eq!(io_read!(busy.memory, [panic: 1]), value(1, 27));
        busy.memory.free(task, edu)?;
        let again = Coherent::<[u8; OWN_SIZE]>::zeroed(&task, dma)?;
        again.not_told().free(task, edu)?;

        let pool = DmaPool::<u64>::new(task, dma, c"edu")?;
        let block = pool.zeroed(&task)?;
        let address = block.dma_address();
        block.free(edu)?;
        // And it is the next one.
        let block = pool.zeroed(&task)?;
        check_eq!(block.dma_address(), address);
        drop(block.not_told());
        pool.destroy(task);
        Ok(())
    })?;
    check_eq!(seen.count(FREE), seen.count(ALLOC));
    Ok(())
}

/// Another device, which is idle.
struct Other<'a>(&'a Device<Bound>);

impl Quiesce for Other<'_> {
    fn device(&self) -> &Device<Bound> {
        self.0
    }

    fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
        true
    }
}

fn evidence_of_another_device_is_an_error(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 33)?;
        let own = core::ptr::from_ref(edu.pdev).cast_mut().cast();
        // SAFETY: It gives up the reference to the one, and takes one to the next: a second card where
        // there is one, as for host/dma.sh.
        let second = unsafe {
            bindings::pci_dev_get(own);
            bindings::pci_get_device(0x1234, 0x11e8, own)
        };
        let other = if second.is_null() {
            pr_info!("# no second card here\n");
            // SAFETY: The device is bound: it has a parent.
            unsafe { (*own).dev.parent }
        } else {
            // SAFETY: It is a device.
            unsafe { &raw mut (*second).dev }
        };
        // SAFETY: It is a device, of which the test asks nothing but what it is.
        let mut other = Other(unsafe { &*other.cast::<Device<Bound>>() });

        let memory = Streaming::<_, FromDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?;
        let mut memory = memory.into_device();
        edu.start_writing(memory.dma_address(), OWN_SIZE);
        let with_cpu = memory.with_cpu(&mut other, |_| ());
        check_eq!(
            with_cpu.err().map(|error| error.to_errno()),
            Some(EINVAL.to_errno())
        );
        let Err(busy) = memory.sync_for_cpu(&mut other) else {
            return Err(Stop::Fail);
        };
        check_eq!(busy.error.to_errno(), EINVAL.to_errno());
        let Err(busy) = busy.memory.unmap(&task, &mut other) else {
            return Err(Stop::Fail);
        };
        let shared = Coherent::<u64>::zeroed(&task, dma)?;
        let _told = shared.dma_address();
        check!(shared.free(task, &mut other).is_err());
        edu.wait(task)?;
        check!(holds(&busy.memory.unmap(&task, edu)?, 33));
        // SAFETY: It was taken above, or is NULL.
        unsafe { bindings::pci_dev_put(second) };
        Ok(())
    })?;
    check_eq!(seen.count(MAP), seen.count(UNMAP));
    check_eq!(seen.count(FREE), seen.count(ALLOC));
    Ok(())
}

fn what_the_device_is_not_told_is_unmapped(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        // Dropped between mapping and giving.
        drop(Streaming::<_, FromDevice>::map(
            task,
            dma,
            buffer(task, 64)?,
        )?);
        drop(SgTable::<_, FromDevice>::map(
            &*task,
            dma,
            scattered(task)?,
        )?);
        // Not told.
        let memory = Streaming::<_, FromDevice>::map(task, dma, buffer(task, 64)?)?;
        let given = memory.give(|_address| Err::<(), _>(EAGAIN));
        check_eq!(
            given.err().map(|error| error.to_errno()),
            Some(EAGAIN.to_errno())
        );
        // Told to nobody.
        let memory = Streaming::<_, FromDevice>::map(task, dma, buffer(task, 64)?)?.into_device();
        let _address = memory.dma_address();
        drop(memory.not_told());
        let memory = Streaming::<_, ToDevice>::map(task, dma, buffer(task, 64)?)?;
        check_eq!(memory.unmap(&task).len(), 64);
        // All of it before the end of the binding.
        // SAFETY: It is running.
        let so_far = unsafe { c::testlib_dma_trace_count() };
        check_eq!(so_far, 10);
        let _ = edu;
        Ok(())
    })?;
    check_eq!(seen.count(MAP), 4);
    check_eq!(seen.count(UNMAP), 4);
    check_eq!(seen.count(UNMAP_SG), 1);
    Ok(())
}

fn slots_of_a_ring_stay_where_they_are(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let mut ring = KVec::new();
        for _ in 0..3 {
            let slot = Streaming::<_, FromDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?;
            ring.push(&task, slot.into_device()).map_err(|_| ENOMEM)?;
        }
        for seed in [71, 73] {
            give(task, edu, dma, seed)?;
            for slot in &mut ring {
                edu.write(task, slot.dma_address(), OWN_SIZE)?;
                check!(slot.with_cpu(edu, |data| holds(data, seed))?);
            }
        }
        for slot in ring {
            drop(slot.unmap(&task, edu)?);
        }
        // The elements of non-coherent memory.
        let ring = Noncoherent::<[[u8; 256]], FromDevice>::zeroed_slice(&task, dma, 16)?;
        let mut ring = ring.sync_for_device().into_device();
        check!(ring.element_address(16).is_none());
        let third = ring.element_address(3).ok_or(Stop::Fail)?;
        check_eq!(third, ring.dma_address() + 3 * 256);
        edu.write(task, third, 256)?;
        check!(ring.with_element(3, edu, |element| holds(&element[..], 73))?);
        check!(ring.with_element(2, edu, |element| **element == [0; 256])?);
        check!(ring.with_element(16, edu, |_| ()).is_err());
        drop(ring.sync_for_cpu(edu)?);
        Ok(())
    })?;
    check_eq!(seen.count(UNMAP), seen.count(MAP));
    check_eq!(seen.count(SYNC_FOR_CPU), syncs(9));
    check_eq!(seen.count(SYNC_FOR_DEVICE), syncs(9));
    Ok(())
}

fn noncoherent_pages_are_freed_once(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let memory = Noncoherent::<[u64], FromDevice>::zeroed_slice(
            task.with(GFP_KERNEL.nowarn()),
            dma,
            OWN_SIZE,
        )?;
        check!(memory.iter().all(|word| *word == 0));
        check_eq!(memory.size(), 8 * OWN_SIZE);
        let memory = memory.sync_for_device().into_device();
        check_eq!(memory.dma_address() % 4096, 0);
        drop(memory.sync_for_cpu(edu)?);
        for len in [0, usize::MAX, isize::MAX as usize / 8, 1 << 40] {
            check!(Noncoherent::<[u64], ToDevice>::zeroed_slice(&task, dma, len).is_err());
        }
        Ok(())
    })?;
    let alloc = seen.of(ALLOC_PAGES).next().ok_or(Stop::Fail)?;
    check_eq!((alloc.size, alloc.dir), (8 * OWN_SIZE, 2));
    check_eq!(seen.count(FREE_PAGES), 1);
    check!(seen.of(FREE_PAGES).all(|free| free.handle == alloc.handle
        && free.size == alloc.size
        && free.dir == alloc.dir));
    Ok(())
}

// Machines where it matters -------------------------------------------------------------------------------------------

fn without_the_sync_the_data_is_old(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 23)?;
        let raw = buffer(task, OWN_SIZE)?.into_raw();
        // SAFETY: As above. The test looks at it behind the back of what it tests.
        let (memory, old) = unsafe { (KBox::from_raw(raw), || raw.cast::<u8>().read_volatile()) };
        let memory = Streaming::<_, FromDevice>::map(task, dma, memory)?.into_device();
        if !edu.bounces(memory.dma_address(), raw.cast()) {
            drop(memory.unmap(&task, edu)?);
            return Err(Stop::Skip("nothing bounces here"));
        }
        edu.write(task, memory.dma_address(), OWN_SIZE)?;
        check_eq!(old(), 0);
        let ours = memory.sync_for_cpu(edu)?;
        check!(holds(&ours, 23));
        drop(ours);

        // And in the other direction.
        let mut data = buffer(task, OWN_SIZE)?;
        fill(&mut data, 29);
        let there = Streaming::<_, ToDevice>::map(task, dma, data)?.into_device();
        let handle = there.dma_address();
        let mut ours = there.sync_for_cpu(edu)?;
        ours.fill(1);
        edu.read(task, handle, OWN_SIZE)?;
        let back =
            Streaming::<_, FromDevice>::map(task, dma, buffer(task, OWN_SIZE)?)?.into_device();
        edu.write(task, back.dma_address(), OWN_SIZE)?;
        let back = back.sync_for_cpu(edu)?;
        check!(holds(&back, 29));
        let back = back.sync_for_device().into_device();
        let there = ours.sync_for_device().into_device();
        edu.read(task, handle, OWN_SIZE)?;
        edu.write(task, back.dma_address(), OWN_SIZE)?;
        let back = back.unmap(&task, edu)?;
        check!(back.iter().all(|byte| *byte == 1));
        drop(there.unmap(&task, edu)?);
        Ok(())
    })?;
    Ok(())
}

fn an_iommu_gives_its_own_addresses(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        // SAFETY: It is bound.
        if unsafe { (*edu.raw()).iommu_group.is_null() } {
            return Err(Stop::Skip("no IOMMU here"));
        }
        // Memory that 28 bits do not reach is reached.
        let mut high = KBox::<[u8]>::zeroed_slice(&task, OWN_SIZE)?;
        fill(&mut high, 31);
        let address = phys(high.as_ptr());
        let high = Streaming::<_, ToDevice>::map(task, dma, high)?.into_device();
        pr_info!("# {:#x} at {:#x}\n", address, high.dma_address());
        check!(high.dma_address() != address && high.dma_address() < 1 << 28);
        edu.read(task, high.dma_address(), OWN_SIZE)?;
        drop(high.unmap(&task, edu)?);
        let back = Coherent::<[u8]>::zeroed_slice(&task, dma, OWN_SIZE)?;
        edu.write(task, back.dma_address(), OWN_SIZE)?;
        for index in 0..OWN_SIZE {
            check_eq!(io_read!(back, [panic: index]), value(index, 31));
        }
        Ok(())
    })?;
    Ok(())
}

// Segments ------------------------------------------------------------------------------------------------------------

type Scattered = KBox<[FreePages]>;

/// Three pages that do not follow one another, of memory that 28 bits reach.
fn scattered(task: &TaskCx) -> Result<Scattered> {
    let mut split = Pages::zeroed(task.with(GFP_KERNEL.dma()), Order::<2>)?.split();
    let mut next = || split.next().map(FreePages::from).ok_or(ENOMEM);
    let (first, _, third, fourth) = (next()?, next()?, next()?, next()?);
    let mut pages = KVec::new();
    for page in [fourth, first, third] {
        pages.push(task, page)?;
    }
    Ok(pages.into_boxed_slice())
}

const SCATTERED: usize = 3 * PAGE_SIZE;

fn fill_pages(pages: &mut [FreePages], seed: u8) {
    for (number, page) in pages.iter_mut().enumerate() {
        for (index, byte) in page.iter_mut().enumerate() {
            *byte = value(number * PAGE_SIZE + index, seed);
        }
    }
}

/// Whether the page of that number holds its part of the data.
fn page_holds(page: &[u8], number: usize, seed: u8) -> bool {
    page.iter()
        .enumerate()
        .all(|(index, byte)| *byte == value(number * PAGE_SIZE + index, seed))
}

/// Whether the pages, which the CPU has, hold that.
fn pages_hold(pages: &PageList<Order<0>>, seed: u8) -> bool {
    let mut numbered = pages.iter().enumerate();
    pages.len() == 3 && numbered.all(|(number, page)| page_holds(page, number, seed))
}

/// Lets the device copy segments to others: as much at a time as both have, and it itself.
fn copy(
    task: &mut TaskCx,
    edu: &mut Edu<'_>,
    mut from: Segments<'_>,
    mut to: Segments<'_>,
) -> Outcome {
    let (mut here, mut there) = (from.next(), to.next());
    while let (Some((source, left)), Some((destination, room))) = (here, there) {
        let count = left.min(room).min(OWN_SIZE);
        edu.read(task, source, count)?;
        edu.write(task, destination, count)?;
        here = Some((source + count as u64, left - count))
            .filter(|(_, left)| *left != 0)
            .or_else(|| from.next());
        there = Some((destination + count as u64, room - count))
            .filter(|(_, room)| *room != 0)
            .or_else(|| to.next());
    }
    check!(here.is_none() && there.is_none());
    Ok(())
}

fn scattered_pages_go_there_and_back(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        let mut there = scattered(task)?;
        fill_pages(&mut there, 51);
        let there = SgTable::<_, ToDevice>::map(&*task, dma, there)?.into_device();
        let back = SgTable::<_, FromDevice>::map(&*task, dma, scattered(task)?)?.into_device();
        check_eq!(back.size(), SCATTERED);
        check_eq!(
            back.segments().map(|(_, len)| len).sum::<usize>(),
            SCATTERED
        );
        pr_info!("# {} segments\n", back.segments().count());
        copy(task, edu, there.segments(), back.segments())?;
        for (number, page) in back.unmap(&task, edu)?.iter().enumerate() {
            check!(page_holds(page, number, 51));
        }
        drop(there.unmap(&task, edu)?);
        Ok(())
    })?;
    Ok(())
}

/// Whether the device is behind an IOMMU.
fn translates(edu: &Edu<'_>) -> bool {
    // SAFETY: It is bound.
    unsafe { !(*edu.raw()).iommu_group.is_null() }
}

fn vmalloc_memory_goes_there_and_back(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        // Where there are no bounce buffers either.
        if !translates(edu) && dma.max_mapping_size() >= 1 << 20 {
            return Err(Stop::Skip("memory of vmalloc is out of reach"));
        }
        // Not whole pages, and more than one.
        const SIZE: usize = 2 * OWN_SIZE + 300;
        let mut there = VBox::<[u8]>::zeroed_slice(&task, SIZE)?;
        fill(&mut there, 53);
        let there = SgTable::<_, ToDevice>::map(&*task, dma, there)?.into_device();
        // As much in the middle of a page, of kmalloc.
        let back = KVBox::from(KBox::<[u8]>::zeroed_slice(&task, SIZE)?);
        let back = SgTable::<_, FromDevice>::map(&*task, dma, back)?.into_device();
        copy(task, edu, there.segments(), back.segments())?;
        check!(holds(&back.unmap(&task, edu)?, 53));
        // And back to memory of vmalloc, which is a value.
        let back = VBox::<[u8; SIZE]>::init(&task, pin_init::init_zeroed())?;
        let back = SgTable::<_, FromDevice>::map(&*task, dma, back)?.into_device();
        copy(task, edu, there.segments(), back.segments())?;
        check!(holds(&*back.sync_for_cpu(edu)?, 53));
        drop(there.unmap(&task, edu)?);
        Ok(())
    })?;
    Ok(())
}

fn segments_are_seen_between_two_transfers(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let mut there = SgTable::<_, ToDevice>::map(&*task, dma, scattered(task)?)?.into_device();
        let mut back = SgTable::<_, FromDevice>::map(&*task, dma, scattered(task)?)?.into_device();
        let mut data = KVec::from_elem(&task, 0, SCATTERED)?;
        for seed in [55, 56] {
            fill(&mut data, seed);
            let mut given = there.sync_for_cpu(edu)?;
            given.fill(0);
            // Across two pages, and no further than the last one.
            let (first, rest) = data.split_at(PAGE_SIZE + 900);
            check!(given.copy_from_slice(0, first).is_ok());
            check!(given.copy_from_slice(first.len(), rest).is_ok());
            check!(given.copy_from_slice(SCATTERED, &[]).is_ok());
            check!(given.copy_from_slice(1, &data).is_err());
            check!(given.copy_from_slice(usize::MAX, &data).is_err());
            there = given.sync_for_device().into_device();
            copy(task, edu, there.segments(), back.segments())?;
            let ours = back.sync_for_cpu(edu)?;
            check!(pages_hold(&ours, seed));
            back = ours.sync_for_device().into_device();
        }
        // What the CPU writes is there after unmapping.
        let mut both = SgTable::<_, Bidirectional>::map(&*task, dma, scattered(task)?)?
            .into_device()
            .sync_for_cpu(edu)?;
        check!(both.get(3).is_none() && both.get_mut(3).is_none());
        both.get_mut(1).ok_or(Stop::Fail)?[7] = 9;
        check_eq!(both.unmap(&task)[1][7], 9);
        drop(there.unmap(&task, edu)?);
        drop(back.unmap(&task, edu)?);
        Ok(())
    })?;
    check_eq!(seen.count(SYNC_SG_FOR_CPU), syncs(5));
    check_eq!(seen.count(SYNC_SG_FOR_DEVICE), syncs(4));
    Ok(())
}

fn pages_that_follow_are_one_segment(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        let mut pages = KVec::new();
        for _ in 0..2 {
            let block = FreePages::zeroed(task.with(GFP_KERNEL.dma()), Order::<1>)?;
            pages.push(&task, block)?;
        }
        let table =
            SgTable::<_, FromDevice>::map(&*task, dma, pages.into_boxed_slice())?.into_device();
        check!(table.segments().count() <= 2);
        check_eq!(table.size(), 4 * PAGE_SIZE);
        check_eq!(
            table.segments().map(|(_, len)| len).sum::<usize>(),
            4 * PAGE_SIZE
        );
        check_eq!(table.table().iter().count(), table.segments().count());
        let ours = table.sync_for_cpu(edu)?;
        check_eq!(ours.len(), 2);
        check!(ours.iter().all(|block| block.len() == 2 * PAGE_SIZE));
        drop(ours);

        // The device takes 64 KiB at a time at most, which is what the kernel says of it.
        let block = FreePages::zeroed(task.with(GFP_KERNEL.dma()), Order::<5>)?;
        let mut pages = KVec::new();
        pages.push(&task, block)?;
        let table =
            SgTable::<_, FromDevice>::map(&*task, dma, pages.into_boxed_slice())?.into_device();
        check!(table.segments().count() >= 2);
        check!(table.segments().all(|(_, len)| len <= 1 << 16));
        drop(table.unmap(&task, edu)?);
        Ok(())
    })?;
    Ok(())
}

fn a_busy_device_keeps_the_segments(task: &mut TaskCx) -> Outcome {
    on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 57)?;
        let back = SgTable::<_, FromDevice>::map(&*task, dma, scattered(task)?)?.into_device();
        let (first, _) = back.segments().next().ok_or(Stop::Fail)?;
        edu.start_writing(first, OWN_SIZE);
        let Err(Busy { memory: back, .. }) = back.sync_for_cpu(edu) else {
            return Err(Stop::Fail);
        };
        let Err(Busy { memory: back, .. }) = back.unmap(&task, edu) else {
            return Err(Stop::Fail);
        };
        check_eq!(back.segments().next().map(|(first, _)| first), Some(first));
        edu.wait(task)?;
        check!(holds(&back.unmap(&task, edu)?[0][..OWN_SIZE], 57));
        Ok(())
    })?;
    Ok(())
}

fn segments_that_are_not_mapped_are_given_back(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let empty = VBox::<[u8]>::zeroed_slice(&task, 0)?;
        match SgTable::<_, ToDevice>::map(&*task, dma, empty) {
            Err(SgMapFailed { error, buffer }) => {
                check_eq!(error.to_errno(), EINVAL.to_errno());
                check_eq!(buffer.len(), 0);
            }
            Ok(_) => return Err(Stop::Fail),
        }
        let none = KVec::<FreePages>::new().into_boxed_slice();
        check!(SgTable::<_, ToDevice>::map(&*task, dma, none).is_err());

        if !translates(edu) && dma.max_mapping_size() >= 1 << 20 {
            pr_info!("# what is out of reach here is a warning of the kernel's\n");
            return Ok(());
        }
        // More than an IOMMU has addresses of 28 bits, and than bounces.
        let mut large = VBox::<[u8]>::zeroed_slice(&task, (1 << 28) + OWN_SIZE)?;
        fill(&mut large[..OWN_SIZE], 59);
        match SgTable::<_, ToDevice, _, _>::map(&*task, dma.no_warn(), large) {
            Err(SgMapFailed { error, buffer }) => {
                let expected = if translates(edu) { ENOMEM } else { EIO };
                check_eq!(error.to_errno(), expected.to_errno());
                check!(holds(&buffer[..OWN_SIZE], 59));
            }
            Ok(_) => return Err(Stop::Fail),
        }
        Ok(())
    })?;
    check_eq!(seen.count(UNMAP_SG), 0);
    Ok(())
}

fn the_kernel_sees_the_segments(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let dma = dma.weak_ordering();
        let table =
            SgTable::<_, FromDevice, _, _>::map(&*task, dma, scattered(task)?)?.into_device();
        let ours = table.sync_for_cpu(edu)?;
        drop(ours.sync_for_device().into_device().unmap(&task, edu)?);
        let table =
            SgTable::<_, FromDevice, _, _>::map(&*task, dma, scattered(task)?)?.into_device();
        drop(table.sync_for_cpu(edu)?.unmap(&task));
        let table =
            SgTable::<_, FromDevice, _, _>::map(&*task, dma, scattered(task)?)?.into_device();
        drop(table.sync_for_cpu(edu)?);
        Ok(())
    })?;
    // The three that were handed in, however many they are for the device.
    check!(seen.events().all(|event| event.size == 3 && event.dir == 2));
    check_eq!(seen.count(MAP_SG), 3);
    check!(seen.of(MAP_SG).all(|map| map.attrs == 1 << 1));
    let mut unmaps = seen.of(UNMAP_SG).map(|unmap| unmap.attrs);
    check_eq!(unmaps.next(), Some(1 << 1));
    check_eq!(unmaps.next(), Some(1 << 1 | SKIP_SYNC));
    check_eq!(unmaps.next(), Some(1 << 1 | SKIP_SYNC));
    check_eq!(unmaps.next(), None);
    Ok(())
}

fn segments_mapped_in_each_context(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        let mut memory = Some(scattered(task)?);
        let mut mapped = None;
        in_softirq(|cx| {
            mapped = memory
                .take()
                .and_then(|memory| SgTable::<_, ToDevice>::map(&cx, dma, memory).ok())
        })?;
        let mapped = mapped.ok_or(Stop::Fail)?;
        let lock = KBox::pin_init(&task, new_spinlock!(()))?;
        let memory = task.locked(&lock, |(), cx| -> Result<_, Stop> {
            let memory = mapped.into_device().unmap(&cx, edu)?;
            let table = SgTable::<_, ToDevice>::map(&cx, dma, memory)?.into_device();
            Ok(table.sync_for_cpu(edu)?.unmap(&cx))
        })?;
        #[cfg(not(CONFIG_PREEMPT_RT))]
        let memory = task.irqs_off(|cx| -> Result<_, Stop> {
            let table = SgTable::<_, ToDevice>::map(&cx, dma, memory)?.into_device();
            Ok(table.unmap(&cx, edu)?)
        })?;
        check_eq!(memory.len(), 3);
        Ok(())
    })?;
    let expected = if cfg!(CONFIG_PREEMPT_RT) { 2 } else { 3 };
    check_eq!(seen.count(MAP_SG), expected);
    check_eq!(seen.count(UNMAP_SG), expected);
    Ok(())
}

fn segments_dropped_while_the_device_has_them(task: &mut TaskCx) -> Outcome {
    let seen = on_edu(task, |task, edu, dma| {
        give(task, edu, dma, 61)?;
        let blocks = scattered(task)?;
        let addresses: [_; 3] = core::array::from_fn(|index| blocks[index].as_page());
        let table = SgTable::<_, FromDevice>::map(&*task, dma, blocks)?.into_device();
        let (first, _) = table.segments().next().ok_or(Stop::Fail)?;
        edu.start_writing(first, OWN_SIZE);
        drop(table);
        // Who gets memory now does not get that.
        for _ in 0..64 {
            let page = FreePages::zeroed(task.with(GFP_KERNEL.dma()), Order::<0>)?;
            check!(!addresses.contains(&page.as_page()));
        }
        // Pages of an order that is known at run time, and memory of vmalloc, where it is in reach.
        let mut blocks = KVec::new();
        for order in [0, 2] {
            let order = AnyOrder::new(order)?;
            blocks.push(
                &task,
                FreePages::zeroed(task.with(GFP_KERNEL.dma()), order)?,
            )?;
        }
        let blocks = blocks.into_boxed_slice();
        drop(SgTable::<_, ToDevice>::map(&*task, dma, blocks)?.into_device());
        if translates(edu) || dma.max_mapping_size() < 1 << 20 {
            let memory = VBox::<[u8]>::zeroed_slice(&task, 3 * OWN_SIZE)?;
            drop(SgTable::<_, ToDevice>::map(&*task, dma, memory)?.into_device());
        }
        macro_rules! dropped {
            ($($memory:expr),*) => {$(
                drop(Streaming::<_, ToDevice>::map(task, dma, $memory)?.into_device());
            )*};
        }
        dropped!(
            Pages::zeroed(task.with(GFP_KERNEL.dma()), Order::<1>)?,
            FreePages::zeroed(task.with(GFP_KERNEL.dma()), Order::<1>)?,
            ExactPages::zeroed(task.with(GFP_KERNEL.dma()), 3 * OWN_SIZE)?
        );
        let pages = Noncoherent::<[u8], ToDevice>::zeroed_slice(&task, dma, 3 * OWN_SIZE)?;
        drop(pages.sync_for_device().into_device());
        edu.wait(task).map_err(Into::into)
    })?;
    check_eq!(seen.count(UNMAP_SG), seen.count(MAP_SG));
    check_eq!(seen.count(UNMAP), seen.count(MAP));
    check_eq!(seen.count(FREE_PAGES), 1);
    Ok(())
}

// The kernel's sample --------------------------------------------------------------------------------------------------

/// What `struct DmaSampleDriver` of the kernel's `samples/rust/rust_dma.rs` is, in kalloc's types.
struct Sample<'bound> {
    ca: Coherent<'bound, [Pair]>,
    sgt: SgTable<'bound, VBox<[u8]>, ToDevice, DeviceOwned>,
}

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Pair {
    h: u32,
    b: u32,
}

const TEST_VALUES: [(u32, u32); 5] = [
    (0xa, 0xb),
    (0xc, 0xd),
    (0xe, 0xf),
    (0xab, 0xba),
    (0xcd, 0xef),
];

struct SampleDriver;

impl pci::Driver for SampleDriver {
    type IdInfo = ();
    type Data<'bound> = Sample<'bound>;
    const ID_TABLE: kernel::pci::IdTable<()> = &TABLE;

    fn probe<'bound>(
        pdev: &'bound kernel::pci::Device<Core<'_>>,
        _info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Sample<'bound>, Error> {
        pin_init::pin_init_scope(move || {
            let dma = DmaDevice::set_mask_and_coherent::<64, _>(&task, pdev)?;
            let ca = Coherent::<[Pair]>::zeroed_slice(&task, dma, TEST_VALUES.len())?;
            for (i, (h, b)) in TEST_VALUES.into_iter().enumerate() {
                io_project!(ca, [panic: i]).copy_write(Pair { h, b });
            }
            let pages = VBox::zeroed_slice(&task, 4 * OWN_SIZE)?;
            let sgt = SgTable::<_, ToDevice>::map(&task, dma, pages)?.into_device();
            Ok(Ok::<_, Error>(Sample { ca, sgt }))
        })
    }
}

impl Drop for Sample<'_> {
    fn drop(&mut self) {
        let right = TEST_VALUES.into_iter().enumerate().all(|(i, value)| {
            let pair = io_project!(self.ca, [panic: i]);
            (io_read!(pair, .h), io_read!(pair, .b)) == value
        });
        ENDED.store(if right { 1 } else { -1 }, Ordering::Release);
        pr_info!("# {:#x}\n", self.ca.dma_address());
        for (i, (address, _)) in self.sgt.segments().enumerate() {
            pr_info!("# Entry[{}]: DMA address: {:#x}\n", i, address);
        }
    }
}

fn the_kernel_s_sample_loses_nothing(task: &mut TaskCx) -> Outcome {
    let Some(dev) = chosen() else {
        return Err(Stop::Skip("no edu device here"));
    };
    ENDED.store(0, Ordering::Release);
    Seen::start(dev);
    // SAFETY: The initialiser runs in process context, and its result is dropped there.
    let driver = unsafe {
        pci::Registration::<SampleDriver>::register(c"kalloc_test_sample", testlib::this_module())
    };
    let bound = KBox::pin_init(&task, driver);
    drop(bound);
    let seen = Seen::stop();
    check_eq!(ENDED.load(Ordering::Acquire), 1);
    check_eq!((seen.count(MAP_SG), seen.count(UNMAP_SG)), (1, 1));
    check_eq!((seen.count(ALLOC), seen.count(FREE)), (1, 1));
    Ok(())
}
