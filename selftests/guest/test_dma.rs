// SPDX-License-Identifier: GPL-2.0

//! DMA memory of a platform device that a driver here is bound to: masks, allocation, drops, and
//! what the kernel saw of it. Data that a device really moves is in test_edu.

use core::{
    mem::{size_of, transmute},
    sync::atomic::{AtomicI32, AtomicUsize, Ordering},
};
use kalloc::{
    dma::{
        dma_rmb, dma_wmb, io_project, io_read, io_write, Attrs, CoherentView, CpuOwned, DmaAddress,
        DmaBlock, DmaPool, DmaPoolRef, FromDevice, Io, MappedRange, Noncoherent, Quiesce, SgTable,
        Streaming, ToDevice,
    },
    driver::{BoundScope, Register},
    prelude::*,
    sync::new_raw_spinlock,
};
use kernel::{
    bindings,
    device::{Bound, Core, Device as BoundDevice},
    driver, new_spinlock,
    page::PAGE_SIZE,
    platform,
};
use testdma::{Seen, ALLOC, FREE, FREE_PAGES, MAP, UNMAP};
use testlib::{c, check, check_eq, in_hardirq, in_nmi_if_any, in_softirq, Outcome, Stop};

#[path = "../lib/testdma.rs"]
mod testdma;
#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_dma":
    a_mask_is_set_once_a_binding,
    a_second_try_after_a_failed_mask,
    a_mask_for_each_kind,
    coherent_values_and_slices,
    coherent_memory_is_zero,
    fields_are_read_and_written,
    parts_know_their_handles,
    attributes_reach_the_kernel,
    flags_reach_the_kernel,
    too_large_is_an_error,
    coherent_memory_in_each_context,
    coherent_drop_in_each_context,
    a_put_off_free_is_before_the_end_of_the_binding,
    managed_memory_lives_as_long_as_the_binding,
    a_failed_probe_frees_all,
    what_the_driver_says_is_idle_is_freed_at_the_end,
    each_piece_is_asked_about_at_the_end,
    what_nobody_says_is_idle_is_lost,
    evidence_of_another_device_ends_no_binding,
    a_driver_that_could_not_say_is_not_asked,
    barriers,
    blocks_of_a_pool,
    blocks_are_zero_or_a_value,
    blocks_are_aligned_and_do_not_cross,
    a_pool_takes_what_it_gave,
    blocks_in_each_context,
    a_pool_goes_with_the_binding,
    mapped_buffers_drop_in_each_context,
    noncoherent_pages_drop_in_each_context,
    only_the_device_s_buffer_prints_its_address,
    caches_are_synchronised,
    coherent_memory_is_in_no_cache,
    small_buffers_bounce,
}

// The device ----------------------------------------------------------------------------------------------------------

/// What a step leaves with the driver until it is unbound.
#[derive(Default)]
struct Kept<'bound> {
    _coherent: Option<Coherent<'bound, [u32]>>,
    in_atomic: Option<Coherent<'bound, u64>>,
    pages_in_atomic: Option<Noncoherent<'bound, u64, FromDevice>>,
    _block: Option<DmaBlock<'bound, u64>>,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        // SAFETY: The kernel unbinds in process context, and the token of probe is gone.
        let mut task = unsafe { TaskCx::assume() };
        task.irqs_off(|_| drop((self.in_atomic.take(), self.pages_in_atomic.take())));
    }
}

type Kept_<'bound> = Result<Kept<'bound>, Stop>;
type Step = for<'a, 'bound> fn(&mut TaskCx, &'bound platform::Device<Core<'a>>) -> Kept_<'bound>;

/// What probe runs, and how it ended: 1 if well, -1 if not, 0 if it did not run.
static STEP: AtomicUsize = AtomicUsize::new(0);
static ENDED: AtomicI32 = AtomicI32::new(0);

struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Kept<'bound>;

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Kept<'bound>, Error> + 'bound {
        // SAFETY: Probe runs in process context, and this is the only token in it.
        let mut task = unsafe { TaskCx::assume() };
        // SAFETY: `on_device` stored it.
        let step = unsafe { transmute::<usize, Step>(STEP.load(Ordering::Acquire)) };
        let kept = step(&mut task, pdev);
        ENDED.store(if kept.is_ok() { 1 } else { -1 }, Ordering::Release);
        kept.map_err(|_| ENODEV)
    }
}

/// A device that nothing is behind, but memory that it could reach.
struct Device(*mut bindings::platform_device);

impl Device {
    fn new() -> Result<Self> {
        let info = bindings::platform_device_info {
            name: c"kalloc_test_dma".as_char_ptr(),
            id: bindings::PLATFORM_DEVID_NONE,
            ..pin_init::zeroed()
        };
        // SAFETY: The kernel copies what it needs.
        let pdev = unsafe { bindings::platform_device_register_full(&info) };
        Ok(Self(kernel::error::from_err_ptr(pdev)?))
    }

    fn dev(&self) -> *const bindings::device {
        // SAFETY: It is registered.
        unsafe { &raw const (*self.0).dev }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: It was registered and is not used any more.
        unsafe { bindings::platform_device_unregister(self.0) }
    }
}

/// Binds a device, runs `step` in probe and unbinds it. What the kernel saw meanwhile.
fn on_device(task: &mut TaskCx, step: Step) -> Result<Seen, Stop> {
    let device = Device::new()?;
    STEP.store(step as usize, Ordering::Release);
    ENDED.store(0, Ordering::Release);
    Seen::start(device.dev());
    let bound = KBox::pin_init(
        &task,
        driver::Registration::<platform::Adapter<Driver>>::new(
            c"kalloc_test_dma",
            testlib::this_module(),
        ),
    );
    drop(bound);
    let seen = Seen::stop();
    if ENDED.load(Ordering::Acquire) != 1 {
        pr_info!("# the step ended with {}\n", ENDED.load(Ordering::Acquire));
        return Err(Stop::Fail);
    }
    Ok(seen)
}

/// There is no device that could be busy.
struct Idle<'bound>(DmaDevice<'bound>);

impl Quiesce for Idle<'_> {
    fn device(&self) -> &BoundDevice<Bound> {
        self.0.device()
    }

    fn is_idle(&mut self, memory: MappedRange<'_>) -> bool {
        memory.size() != 0
    }
}

fn nothing<'bound>() -> Kept_<'bound> {
    Ok(Kept::default())
}

fn dma<'bound>(
    task: &TaskCx,
    pdev: &'bound platform::Device<Core<'_>>,
) -> Result<DmaDevice<'bound>> {
    DmaDevice::set_mask_and_coherent::<32, _>(task, pdev)
}

// Masks ---------------------------------------------------------------------------------------------------------------

/// As few as the kernel accepts: memory of arm64 may begin at 1 GiB.
const FEW_BITS: u32 = if cfg!(CONFIG_X86) { 28 } else { 32 };

fn a_mask_is_set_once_a_binding(task: &mut TaskCx) -> Outcome {
    for _ in 0..2 {
        on_device(task, |task, pdev| {
            let dma = DmaDevice::set_mask_and_coherent::<FEW_BITS, _>(task, pdev)?;
            check_eq!(
                DmaDevice::set_mask_and_coherent::<64, _>(task, pdev)
                    .err()
                    .map(|e| e.to_errno()),
                Some(EBUSY.to_errno())
            );
            let mask = (1 << FEW_BITS) - 1;
            check_eq!(masks(dma), (mask, mask));
            let memory = Coherent::<u64>::zeroed(&task, dma)?;
            check!(memory.dma_address() <= mask);
            drop(memory.not_told());
            nothing()
        })?
        .only()?;
    }
    Ok(())
}

/// The masks that the kernel has for the device.
fn masks<A>(dma: DmaDevice<'_, A>) -> (u64, u64) {
    let dev: *const bindings::device = core::ptr::from_ref(dma.device()).cast();
    // SAFETY: The device is bound, and a platform device has a mask.
    unsafe { (*(*dev).dma_mask, (*dev).coherent_dma_mask) }
}

fn a_second_try_after_a_failed_mask(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        // The kernel's own memory is above 8 bits.
        check_eq!(
            DmaDevice::set_mask_and_coherent::<8, _>(task, pdev)
                .err()
                .map(|e| e.to_errno()),
            Some(EIO.to_errno())
        );
        let dma = DmaDevice::set_mask_and_coherent::<64, _>(task, pdev)?;
        check_eq!(masks(dma), (u64::MAX, u64::MAX));
        check!(dma.required_mask() >= 0xff_ffff);
        check!(dma.max_mapping_size() > 0);
        nothing()
    })?;
    Ok(())
}

fn a_mask_for_each_kind(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let dma = DmaDevice::set_masks::<64, 32, _>(task, pdev)?;
        check_eq!(masks(dma), (u64::MAX, 0xffff_ffff));
        nothing()
    })?;
    Ok(())
}

// Coherent memory -----------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, PartialEq)]
#[repr(C)]
struct Descriptor {
    address: u64,
    length: u32,
    flags: [u16; 2],
}

fn coherent_values_and_slices(task: &mut TaskCx) -> Outcome {
    let seen = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let descriptor = Descriptor {
            address: 1 << 40,
            length: 7,
            flags: [1, 2],
        };
        let value = Coherent::new(&task, dma, descriptor)?;
        check_eq!(value.copy_read(), descriptor);
        check_eq!(Io::size(&value), 16);

        let slice = Coherent::from_slice(&task, dma, &[1u16, 2, 3])?;
        check_eq!(Io::len(&slice), 3);
        for (i, expected) in [1, 2, 3].into_iter().enumerate() {
            check_eq!(io_read!(slice, [panic: i]), expected);
        }
        check!(io_project_fails(&slice, 3));

        let array = Coherent::<[[u8; 64]; 64]>::zeroed(&task, dma)?;
        check_eq!(Io::size(&array), 4096);
        slice.free(task, &mut Idle(dma))?;
        nothing()
    })?;
    check_eq!(seen.count(ALLOC), 3);
    check_eq!(seen.count(FREE), 3);
    for alloc in seen.of(ALLOC) {
        check_eq!(
            seen.of(FREE)
                .filter(|free| free.handle == alloc.handle && free.size == alloc.size)
                .count(),
            1
        );
    }
    check_eq!(seen.of(ALLOC).last().map(|event| event.size), Some(4096));
    Ok(())
}

fn io_project_fails(slice: &Coherent<'_, [u16]>, index: usize) -> bool {
    fn read(slice: &Coherent<'_, [u16]>, index: usize) -> Result<u16> {
        Ok(io_read!(*slice, [try: index]))
    }
    read(slice, index).is_err()
}

fn coherent_memory_is_zero(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        for _ in 0..32 {
            let memory = Coherent::<[u64]>::zeroed_slice(&task, dma, 1024)?;
            for i in 0..1024 {
                check_eq!(io_read!(memory, [panic: i]), 0);
                io_write!(memory, [panic: i], 0x5a5a_5a5a);
            }
        }
        nothing()
    })?;
    Ok(())
}

fn fields_are_read_and_written(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let ring = Coherent::<[Descriptor]>::zeroed_slice(&task, dma(task, pdev)?, 4)?;
        io_write!(ring, [panic: 2].length, 99);
        io_write!(ring, [panic: 2].flags[panic: 1], 3);
        io_project!(ring, [panic: 3]).copy_write(Descriptor {
            address: 5,
            ..Descriptor::default()
        });
        check_eq!(io_read!(ring, [panic: 2].length), 99);
        check_eq!(
            io_project!(ring, [panic: 2]).copy_read(),
            Descriptor {
                address: 0,
                length: 99,
                flags: [0, 3]
            }
        );
        check_eq!(io_read!(ring, [panic: 3].address), 5);
        check_eq!(
            io_project!(ring, [panic: 1]).copy_read(),
            Descriptor::default()
        );
        nothing()
    })?;
    Ok(())
}

fn parts_know_their_handles(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let ring = Coherent::<[Descriptor]>::zeroed_slice(&task, dma(task, pdev)?, 400)?;
        let base = ring.dma_address();
        check_eq!(base % 4096, 0);
        check_eq!(ring.view().dma_address(), base);
        check_eq!(io_project!(ring, [panic: 300]).dma_address(), base + 4800);
        check_eq!(
            io_project!(ring, [panic: 300].length).dma_address(),
            base + 4808
        );
        check_eq!(
            io_project!(ring, [panic: 1].flags[panic: 1]).dma_address(),
            base + 16 + 14
        );
        drop(ring.not_told());
        nothing()
    })?;
    Ok(())
}

fn attributes_reach_the_kernel(task: &mut TaskCx) -> Outcome {
    let alloc = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?
            .weak_ordering()
            .force_contiguous()
            .no_warn()
            .privileged();
        drop(Coherent::<u32, _>::zeroed(&task, dma)?);
        nothing()
    })?
    .only()?;
    check_eq!(alloc.attrs, 1 << 1 | 1 << 6 | 1 << 8 | 1 << 9);
    let alloc = on_device(task, |task, pdev| {
        let plain = dma(task, pdev)?;
        let dma = plain.alloc_single_pages().write_combine();
        Coherent::<u32, _>::zeroed(&task, dma)?.free(task, &mut Idle(plain))?;
        nothing()
    })?
    .only()?;
    check_eq!(alloc.attrs, 1 << 7 | 1 << 2);
    Ok(())
}

fn flags_reach_the_kernel(task: &mut TaskCx) -> Outcome {
    let alloc = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        drop(Coherent::<u32>::zeroed(
            task.with(GFP_KERNEL.noretry().nowarn()),
            dma,
        )?);
        nothing()
    })?
    .only()?;
    check_eq!(alloc.gfp, bits(GFP_KERNEL.noretry().nowarn()));
    let alloc = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        drop(Coherent::<u32>::zeroed(task.with(GFP_NOWAIT), dma)?);
        nothing()
    })?
    .only()?;
    check_eq!(alloc.gfp, bits(GFP_NOWAIT));
    Ok(())
}

/// The bits of flags.
fn bits<F: Gfp>(_flags: F) -> u32 {
    F::BITS
}

fn too_large_is_an_error(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        for len in [
            0,
            usize::MAX,
            usize::MAX / 8,
            isize::MAX as usize / 8,
            1 << 40,
            1 << 30,
        ] {
            check!(Coherent::<[u64]>::zeroed_slice(&task, dma, len).is_err());
            check!(Coherent::<[u64]>::managed_slice(&task, dma, len).is_err());
        }
        nothing()
    })?;
    Ok(())
}

fn coherent_memory_in_each_context(task: &mut TaskCx) -> Outcome {
    let seen = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let lock = KBox::pin_init(&task, new_spinlock!(()))?;
        task.locked(&lock, |(), cx| -> Outcome {
            let memory = Coherent::new(&cx, dma, 1u32)?;
            check_eq!(memory.read_val(), 1);
            Ok(())
        })?;
        in_softirq(|cx| drop(Coherent::new(&cx, dma, 1u32)))?;
        task.nofs(|cx| -> Outcome {
            Coherent::new(&cx, dma, 2u32)?.free(cx, &mut Idle(dma))?;
            Ok(())
        })?;
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            task.irqs_off(|cx| drop(Coherent::new(&cx, dma, 1u32)));
            in_hardirq(|cx| drop(Coherent::new(&cx, dma, 1u32)))?;
        }
        nothing()
    })?;
    let expected = if cfg!(CONFIG_PREEMPT_RT) { 3 } else { 5 };
    check_eq!(seen.count(ALLOC), expected);
    check_eq!(seen.count(FREE), expected);
    check!(seen
        .of(FREE)
        .all(|free| !free.irqs_disabled && !free.in_interrupt));
    Ok(())
}

/// Whether it was freed once, where that may sleep.
fn freed_once(seen: &Seen, kind: u32) -> bool {
    seen.count(kind) == 1
        && seen
            .of(kind)
            .all(|free| !free.irqs_disabled && !free.in_interrupt)
}

/// Drops what `$make` makes in each context, which frees it where that may sleep.
macro_rules! drops_in_each_context {
    ($outer:ident, $make:ident, $free:ident) => {{
        drops_in_each_context! { @ $outer, $make, $free,
            |task, memory| { let _ = &task; drop(memory.take()) };
            |task, memory| {
                let lock = KBox::pin_init(&task, new_spinlock!(()))?;
                task.locked(&lock, |(), _| drop(memory.take()))
            };
            |task, memory| task.rcu_read(|_, _| drop(memory.take()));
            |task, memory| task.irqs_off(|_| drop(memory.take()));
            |task, memory| task.preempt_off(|_| drop(memory.take()));
            |task, memory| { let _ = &task; in_softirq(|_| drop(memory.take()))? };
            |task, memory| { let _ = &task; in_hardirq(|_| drop(memory.take()))? };
            |task, memory| {
                let _ = &task;
                if !in_nmi_if_any(|_| drop(memory.take()))? {
                    drop(memory.take());
                }
            };
        }
        Ok(())
    }};
    (@ $outer:ident, $make:ident, $free:ident, $(|$task:ident, $memory:ident| $drop:expr;)*) => {$(
        let seen = on_device($outer, |$task, pdev| {
            let mut $memory = Some($make($task, dma($task, pdev)?)?);
            $drop;
            check!($memory.is_none());
            nothing()
        })?;
        check!(freed_once(&seen, $free));
    )*};
}

fn coherent<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<Coherent<'bound, [u64; 512]>> {
    Ok(Coherent::zeroed(task, dma)?)
}

fn pages<'bound>(
    task: &TaskCx,
    dma: DmaDevice<'bound>,
) -> Result<Noncoherent<'bound, u64, FromDevice>> {
    Ok(Noncoherent::zeroed(task, dma)?)
}

fn coherent_drop_in_each_context(task: &mut TaskCx) -> Outcome {
    drops_in_each_context!(task, coherent, FREE)
}

fn noncoherent_pages_drop_in_each_context(task: &mut TaskCx) -> Outcome {
    drops_in_each_context!(task, pages, FREE_PAGES)
}

fn a_put_off_free_is_before_the_end_of_the_binding(task: &mut TaskCx) -> Outcome {
    // The driver's data drops it with interrupts off, and right after that the binding ends.
    for _ in 0..20 {
        let seen = on_device(task, |task, pdev| {
            let dma = dma(task, pdev)?;
            Ok(Kept {
                in_atomic: Some(Coherent::zeroed(&task, dma)?),
                pages_in_atomic: Some(pages(task, dma)?),
                _coherent: None,
                _block: None,
            })
        })?;
        seen.only()?;
        check!(freed_once(&seen, FREE) && freed_once(&seen, FREE_PAGES));
    }
    Ok(())
}

fn managed_memory_lives_as_long_as_the_binding(task: &mut TaskCx) -> Outcome {
    let alloc = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let a: CoherentView<'_, [u32]> = Coherent::managed_slice(&task, dma, 1024)?;
        let b = a;
        io_write!(a, [panic: 1000], 4);
        check_eq!(io_read!(b, [panic: 1000]), 4);
        nothing()
    })?
    .only()?;
    check_eq!(alloc.size, 4096);
    let seen = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let memory = Coherent::<[u32]>::zeroed_slice(&task, dma, 8)?;
        let view: CoherentView<'_, u64> = Coherent::managed(&task, dma)?;
        view.write_val(memory.dma_address());
        Ok(Kept {
            _coherent: Some(memory.not_told()),
            in_atomic: None,
            pages_in_atomic: None,
            _block: None,
        })
    })?;
    check_eq!(seen.count(ALLOC), 2);
    // The driver's data is dropped before devres ends.
    let mut freed = seen.of(FREE).map(|free| free.handle);
    let mut allocated = seen.of(ALLOC).map(|alloc| alloc.handle);
    check_eq!(freed.next(), allocated.next());
    check_eq!(freed.next(), allocated.next());
    Ok(())
}

fn a_failed_probe_frees_all(task: &mut TaskCx) -> Outcome {
    let device = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let _a = Coherent::<u64>::zeroed(&task, dma)?;
        let _b: CoherentView<'_, u64> = Coherent::managed(&task, dma)?;
        // What the caller of this reports as a failure of the test is wanted here.
        Err(Stop::Skip("wanted"))
    });
    check!(device.is_err());
    check_eq!(ENDED.load(Ordering::Acquire), -1);
    let seen = Seen::last();
    check_eq!(seen.count(ALLOC), 2);
    check_eq!(seen.count(FREE), 2);
    Ok(())
}

// The end of the binding ----------------------------------------------------------------------------------------------

/// How the driver answers when it is asked whether its device is idle.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Nobody,
    All,
    FirstPiece,
    OfAnother,
    /// All, but there is no memory to remember it.
    NoMemory,
}

/// What a device is told of, and its driver drops while it may use it.
struct Told<'bound> {
    dma: DmaDevice<'bound>,
    _coherent: Coherent<'bound, u64>,
    _block: DmaBlock<'bound, u64>,
    answer: Answer,
    first: DmaAddress,
}

struct Stopped<'d, 'bound>(&'d Told<'bound>);

impl Quiesce for Stopped<'_, '_> {
    fn device(&self) -> &BoundDevice<Bound> {
        let dev = self.0.dma.device();
        if self.0.answer != Answer::OfAnother {
            return dev;
        }
        // SAFETY: The device is registered, so it has a parent, of which nobody asks anything but what
        // it is.
        unsafe {
            let raw: *const bindings::device = core::ptr::from_ref(dev).cast();
            &*(*raw).parent.cast::<BoundDevice<Bound>>()
        }
    }

    fn is_idle(&mut self, memory: MappedRange<'_>) -> bool {
        match self.0.answer {
            Answer::FirstPiece => memory.dma_address() == self.0.first,
            _ => true,
        }
    }
}

/// The answer of the next binding, and whether the driver could say so.
static ANSWER: AtomicUsize = AtomicUsize::new(0);
static SAID: AtomicI32 = AtomicI32::new(0);

/// The buffers of 256 and of 512 bytes, which the test frees where kalloc must not.
static LOST: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

struct Ending;

impl kalloc::platform::Driver for Ending {
    type IdInfo = ();
    type Data<'bound> = Told<'bound>;

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Told<'bound>, Error> {
        pin_init::pin_init_scope(move || {
            let dma = dma(task, pdev)?;
            let answer = match ANSWER.load(Ordering::Acquire) {
                0 => Answer::Nobody,
                1 => Answer::All,
                2 => Answer::FirstPiece,
                3 => Answer::OfAnother,
                _ => Answer::NoMemory,
            };
            let buffer = KBox::<[u8]>::zeroed_slice(&task, 256)?;
            LOST[0].store(buffer.as_ptr() as usize, Ordering::Release);
            let first = Streaming::<_, FromDevice>::map(&task, dma, buffer)?.into_device();
            let address = first.dma_address();
            drop(first);
            let buffer = KBox::<[u8]>::zeroed_slice(&task, 512)?;
            LOST[1].store(buffer.as_ptr() as usize, Ordering::Release);
            let second = Streaming::<_, FromDevice>::map(&task, dma, buffer)?.into_device();
            // Lockdep sees it if that takes a lock which sleeps on PREEMPT_RT.
            let lock = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
            task.raw_locked(&lock, |(), _| drop(second));
            let managed: CoherentView<'_, u64> = Coherent::managed(&task, dma)?;
            let _told = managed.dma_address();
            let pool = DmaPool::<u64>::new(&task, dma, c"ending")?.share();
            let (coherent, block) = (Coherent::zeroed(&task, dma)?, pool.zeroed(&task)?);
            let _told = (coherent.dma_address(), block.dma_address());
            Ok(Ok::<_, Error>(Told {
                dma,
                _coherent: coherent,
                _block: block,
                answer,
                first: address,
            }))
        })
    }

    fn start<'d, 'bound>(
        _dev: &'bound platform::Device<Bound>,
        this: Pin<&'d Told<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let told = this.get_ref();
        if told.answer != Answer::Nobody {
            let mut quiesce = || binding.quiesce(task, Stopped(told));
            let said = if told.answer == Answer::NoMemory {
                testlib::refused(c"__kmalloc_cache_noprof", quiesce).map_err(|_| ENXIO)?
            } else {
                quiesce()
            };
            SAID.store(
                said.err().map_or(0, |error| error.to_errno()),
                Ordering::Release,
            );
        }
        Ok(())
    }
}

/// Binds the device to that driver, and takes it away.
fn ends(task: &mut TaskCx, answer: Answer) -> Result<Seen, Stop> {
    ANSWER.store(answer as usize, Ordering::Release);
    SAID.store(1, Ordering::Release);
    let device = Device::new()?;
    Seen::start(device.dev());
    // SAFETY: The initialiser runs here, in process context, and the driver ends here too.
    let driver = unsafe {
        kalloc::platform::Registration::<Ending>::register(
            c"kalloc_test_dma",
            testlib::this_module(),
        )
    };
    drop(KBox::pin_init(&task, driver)?);
    let seen = Seen::stop();
    check_eq!((seen.count(MAP), seen.count(ALLOC)), (2, 3));
    for (memory, size) in LOST.iter().zip([256, 512]) {
        if seen.of(UNMAP).any(|unmap| unmap.size == size) {
            continue;
        }
        let map = seen.of(MAP).find(|map| map.size == size);
        let address = map.ok_or(Stop::Fail)?.handle;
        // SAFETY: It is mapped still, and nothing is behind the device.
        unsafe {
            bindings::dma_unmap_page_attrs(
                device.dev().cast_mut(),
                address,
                size,
                testlib::series::DMA_FROM_DEVICE,
                0,
            )
        };
        let memory = memory.load(Ordering::Acquire) as *mut u8;
        let memory = core::ptr::slice_from_raw_parts_mut(memory, size);
        // SAFETY: It is the box's, and was lost: nobody else has it.
        drop(unsafe { KBox::<[u8]>::from_raw(memory) });
    }
    Ok(seen)
}

fn what_the_driver_says_is_idle_is_freed_at_the_end(task: &mut TaskCx) -> Outcome {
    let seen = ends(task, Answer::All)?;
    check_eq!(SAID.load(Ordering::Acquire), 0);
    check_eq!((seen.count(UNMAP), seen.count(FREE)), (2, 3));
    Ok(())
}

fn each_piece_is_asked_about_at_the_end(task: &mut TaskCx) -> Outcome {
    let seen = ends(task, Answer::FirstPiece)?;
    check_eq!((seen.count(UNMAP), seen.count(FREE)), (1, 0));
    check_eq!(seen.of(UNMAP).next().map(|unmap| unmap.size), Some(256));
    Ok(())
}

fn what_nobody_says_is_idle_is_lost(task: &mut TaskCx) -> Outcome {
    let seen = ends(task, Answer::Nobody)?;
    check_eq!((seen.count(UNMAP), seen.count(FREE)), (0, 0));
    Ok(())
}

fn evidence_of_another_device_ends_no_binding(task: &mut TaskCx) -> Outcome {
    let seen = ends(task, Answer::OfAnother)?;
    check_eq!(SAID.load(Ordering::Acquire), EINVAL.to_errno());
    check_eq!((seen.count(UNMAP), seen.count(FREE)), (0, 0));
    Ok(())
}

fn a_driver_that_could_not_say_is_not_asked(task: &mut TaskCx) -> Outcome {
    let seen = ends(task, Answer::NoMemory)?;
    check_eq!(SAID.load(Ordering::Acquire), ENOMEM.to_errno());
    check_eq!((seen.count(UNMAP), seen.count(FREE)), (0, 0));
    Ok(())
}

fn barriers(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let memory = Coherent::<[u32; 2]>::zeroed(&task, dma(task, pdev)?)?;
        io_write!(memory, [panic: 0], 1);
        dma_wmb();
        io_write!(memory, [panic: 1], 1);
        let flag = io_read!(memory, [panic: 1]);
        dma_rmb();
        check_eq!((flag, io_read!(memory, [panic: 0])), (1, 1));
        nothing()
    })?;
    check_eq!(size_of::<DmaDevice<'_>>(), size_of::<usize>());
    check_eq!(<kalloc::dma::NoAttrs as Attrs>::BITS, 0);
    Ok(())
}

// Pools ---------------------------------------------------------------------------------------------------------------

fn blocks_of_a_pool(task: &mut TaskCx) -> Outcome {
    const IN_A_PAGE: u64 = (PAGE_SIZE / size_of::<Descriptor>()) as u64;
    let seen = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let pool = DmaPool::<Descriptor>::new(task, dma, c"test")?;
        let mut blocks: KVec<DmaBlock<'_, Descriptor>> = KVec::new();
        for address in 0..IN_A_PAGE + 44 {
            let block = pool.zeroed(&task)?;
            io_write!(block, .address, address);
            check_eq!(block.dma_address(), block.view().dma_address());
            check!(blocks
                .iter()
                .all(|other| other.dma_address() != block.dma_address()));
            blocks.push(&task, block).map_err(|_| Stop::Fail)?;
        }
        for (address, block) in blocks.iter().enumerate() {
            check_eq!(io_read!(*block, .address), address as u64);
        }
        for block in blocks {
            block.free(&mut Idle(dma))?;
        }
        pool.destroy(task);
        nothing()
    })?;
    check_eq!(seen.count(ALLOC), 2);
    check_eq!(seen.count(FREE), 2);
    check!(seen.of(ALLOC).all(|alloc| alloc.size == PAGE_SIZE));
    Ok(())
}

fn blocks_are_zero_or_a_value(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let pool = DmaPool::<[u32; 16]>::new(task, dma(task, pdev)?, c"test")?;
        for seed in 1..10 {
            let block = pool.zeroed(&task)?;
            check_eq!(block.copy_read(), [0; 16]);
            block.copy_write([seed; 16]);
            drop(block);
            let block = pool.alloc(&task, [seed + 100; 16])?;
            check_eq!(block.copy_read(), [seed + 100; 16]);
        }
        nothing()
    })?;
    Ok(())
}

fn blocks_are_aligned_and_do_not_cross(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let pool = DmaPool::<[u8; 96]>::with::<64, 256>(task, dma, c"test")?;
        let mut blocks: KVec<DmaBlock<'_, [u8; 96]>> = KVec::new();
        for _ in 0..64 {
            let block = pool.zeroed(&task)?;
            check_eq!(block.dma_address() % 64, 0);
            check!(block.dma_address() % 256 + 96 <= 256);
            blocks
                .push(&task, block.not_told())
                .map_err(|_| Stop::Fail)?;
        }
        // A block larger than a page, for which there is no boundary.
        let large = DmaPool::<[u8; 5000]>::new(task, dma, c"large")?;
        let large = large.zeroed(&task)?;
        check_eq!(large.dma_address() % 4096, 0);
        drop(large.not_told());
        nothing()
    })?;
    Ok(())
}

fn a_pool_takes_what_it_gave(task: &mut TaskCx) -> Outcome {
    let seen = on_device(task, |task, pdev| {
        let pool = DmaPool::<u64>::new(task, dma(task, pdev)?, c"test")?;
        for _ in 0..2000 {
            drop(pool.zeroed(&task)?);
        }
        nothing()
    })?;
    check_eq!(seen.only()?.size, PAGE_SIZE);
    Ok(())
}

fn blocks_in_each_context(task: &mut TaskCx) -> Outcome {
    let seen = on_device(task, |task, pdev| {
        let pool = DmaPool::<u64>::new(task, dma(task, pdev)?, c"test")?;
        let mut got = 0;
        let lock = KBox::pin_init(&task, new_spinlock!(()))?;
        let block = task.locked(&lock, |(), cx| pool.alloc(&cx, 7).ok());
        check_eq!(block.map(|block| block.read_val()), Some(7));
        in_softirq(|cx| got += usize::from(pool.zeroed(&cx).is_ok()))?;
        task.nofs(|cx| got += usize::from(pool.zeroed(&cx).is_ok()));
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            task.irqs_off(|cx| got += usize::from(pool.zeroed(&cx).is_ok()));
            in_hardirq(|cx| got += usize::from(pool.zeroed(&cx).is_ok()))?;
        }
        check_eq!(got, if cfg!(CONFIG_PREEMPT_RT) { 2 } else { 4 });
        nothing()
    })?;
    seen.only()?;
    Ok(())
}

fn a_pool_goes_with_the_binding(task: &mut TaskCx) -> Outcome {
    let seen = on_device(task, |task, pdev| {
        let pool: DmaPoolRef<'_, u64> = DmaPool::new(task, dma(task, pdev)?, c"test")?.share();
        Ok(Kept {
            _coherent: None,
            in_atomic: None,
            pages_in_atomic: None,
            _block: Some(pool.zeroed(&task)?),
        })
    })?;
    seen.only()?;
    Ok(())
}

// What the CPU has ----------------------------------------------------------------------------------------------------

type Mapped<'bound> = Streaming<'bound, KBox<[u8]>, FromDevice, CpuOwned>;

fn mapped<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<Mapped<'bound>> {
    let buffer = KBox::zeroed_slice(task.with(GFP_KERNEL.dma()), 256)?;
    Ok(Streaming::map(task, dma, buffer)?.sync_for_cpu())
}

fn mapped_buffers_drop_in_each_context(task: &mut TaskCx) -> Outcome {
    macro_rules! drops {
        ($(|$task:ident, $value:ident| $drop:expr;)*) => {$(
            let seen = on_device(task, |$task, pdev| {
                let mut $value = Some(mapped($task, dma($task, pdev)?)?);
                $drop;
                check!($value.is_none());
                nothing()
            })?;
            check_eq!(seen.count(UNMAP), 1);
        )*};
    }
    drops! {
        |task, value| { let _ = &task; drop(value.take()) };
        |task, value| {
            let lock = KBox::pin_init(&task, new_spinlock!(()))?;
            task.locked(&lock, |(), _| drop(value.take()))
        };
        |task, value| task.rcu_read(|_, _| drop(value.take()));
        |task, value| { let _ = &task; in_softirq(|_| drop(value.take()))? };
    }
    // Where PREEMPT_RT frees no page.
    #[cfg(not(CONFIG_PREEMPT_RT))]
    drops! {
        |task, value| task.irqs_off(|_| drop(value.take()));
        |task, value| task.preempt_off(|_| drop(value.take()));
        |task, value| { let _ = &task; in_hardirq(|_| drop(value.take()))? };
    }
    Ok(())
}

/// Whether what is printed of it has an address.
fn prints_an_address(buffer: &impl core::fmt::Debug) -> Result<bool> {
    let text = kernel::str::CString::try_from_fmt(fmt!("{:?}", buffer))?;
    Ok(text.to_bytes().windows(7).any(|word| word == b"address"))
}

fn only_the_device_s_buffer_prints_its_address(task: &mut TaskCx) -> Outcome {
    on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let buffer = mapped(task, dma)?;
        check!(!prints_an_address(&buffer)?);
        let buffer = buffer.sync_for_device();
        check!(!prints_an_address(&buffer)?);
        let buffer = buffer.into_device();
        check!(prints_an_address(&buffer)?);
        drop(buffer.not_told());
        nothing()
    })?;
    Ok(())
}

// Caches --------------------------------------------------------------------------------------------------------------

// A device that no firmware describes is not coherent on arm64.

const CACHED: usize = 4096;

/// How often caches were synchronised since the last call: for the device and for the CPU.
fn cache_syncs() -> (u32, u32) {
    // SAFETY: It has no preconditions.
    let count = unsafe { c::testlib_cache_count() };
    (count.for_device, count.for_cpu)
}

fn caches_are_synchronised(task: &mut TaskCx) -> Outcome {
    // SAFETY: It has no preconditions.
    match unsafe { c::testlib_cache_start(CACHED) } {
        0 => {}
        error if error == ENOTSUPP.to_errno() => return Err(Stop::Skip("DMA is coherent here")),
        _ => return Err(Stop::Fail),
    }
    let seen = on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        let buffer = KBox::<[u8]>::zeroed_slice(&task, CACHED)?;
        let buffer = Streaming::<_, FromDevice>::map(task, dma, buffer)?;
        check_eq!(cache_syncs(), (1, 0));
        let buffer = buffer.into_device().sync_for_cpu(&mut Idle(dma))?;
        check_eq!(cache_syncs(), (0, 1));
        let buffer = buffer.sync_for_device().into_device();
        check_eq!(cache_syncs(), (1, 0));
        drop(buffer.unmap(&task, &mut Idle(dma))?);
        check_eq!(cache_syncs(), (0, 1));

        let buffer = KBox::<[u8]>::zeroed_slice(&task, CACHED)?;
        let mut buffer = Streaming::<_, ToDevice>::map(task, dma, buffer)?.sync_for_cpu();
        cache_syncs();
        buffer.fill(7);
        let buffer = buffer.sync_for_device().into_device();
        check_eq!(cache_syncs(), (1, 0));
        drop(buffer.not_told());

        let buffer = VBox::<[u8]>::zeroed_slice(&task, CACHED)?;
        cache_syncs();
        let table = SgTable::<_, FromDevice>::map(&task, dma, buffer)?.into_device();
        check_eq!(cache_syncs(), (1, 0));
        let table = table.sync_for_cpu(&mut Idle(dma))?;
        check_eq!(cache_syncs(), (0, 1));
        let table = table.sync_for_device().into_device();
        check_eq!(cache_syncs(), (1, 0));
        drop(table.unmap(&task, &mut Idle(dma))?);
        check_eq!(cache_syncs(), (0, 1));
        nothing()
    });
    // SAFETY: It was started.
    unsafe { c::testlib_cache_stop() };
    seen.map(|_| ())
}

fn coherent_memory_is_in_no_cache(task: &mut TaskCx) -> Outcome {
    if cfg!(not(CONFIG_ARM64)) {
        return Err(Stop::Skip("DMA is coherent here"));
    }
    let seen = on_device(task, |task, pdev| {
        let memory = Coherent::<[u8; 256]>::zeroed(&task, dma(task, pdev)?)?;
        drop(memory.not_told());
        nothing()
    })?;
    check!(seen.only()?.is_uncached);
    Ok(())
}

/// A line of the cache that a device writes must hold nothing else.
fn small_buffers_bounce(task: &mut TaskCx) -> Outcome {
    if cfg!(not(CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC)) {
        return Err(Stop::Skip("DMA is coherent here"));
    }
    on_device(task, |task, pdev| {
        let dma = dma(task, pdev)?;
        // What is bounced has another address. With `swiotlb=force` all is.
        let forced = dma.max_mapping_size() < 1 << 20;
        for (size, bounces) in [(16, true), (CACHED, false)] {
            let buffer = KBox::<[u8]>::zeroed_slice(&task, size)?;
            // SAFETY: It is memory of kmalloc.
            let phys = unsafe { c::testlib_phys(buffer.as_ptr().cast()) };
            let buffer = Streaming::<_, FromDevice>::map(task, dma, buffer)?.into_device();
            let address = buffer.dma_address();
            check_eq!(address != phys, bounces || forced);
            // SAFETY: The memory is mapped for a device, which there is none of.
            unsafe { c::testlib_write_phys(address, 0xa5, size) };
            let buffer = buffer.unmap(&task, &mut Idle(dma))?;
            check!(buffer.iter().all(|byte| *byte == 0xa5));
        }
        nothing()
    })?;
    Ok(())
}
