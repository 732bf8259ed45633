// SPDX-License-Identifier: GPL-2.0

//! Devm memory: what the kernel gets, when it frees, and in which order, with devices that are
//! really bound and unbound.

// What the drop of a handle does not do is tested.
#![allow(clippy::drop_non_drop)]

use core::{
    mem::MaybeUninit,
    sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering::Relaxed},
};
use kalloc::{devm, driver::Register, platform, prelude::*};
use kernel::{
    device::{Bound, Core, Device},
    faux, new_spinlock,
    sync::SpinLock,
};
use testdevice::{wait_for_device_probe, PlatformDevice};
use testlib::{
    all_large_memory, c, check, check_eq, check_in_each_atomic_context, in_hardirq, in_nmi_if_any,
    in_softirq, is_in_hardirq, is_in_nmi, traced, Outcome, Trace,
};

#[path = "../lib/testdevice.rs"]
mod testdevice;
#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_devm":
    contents_and_size,
    alignment,
    no_size,
    zeroes,
    freed_at_unbinding,
    freed_at_once,
    slices,
    too_long,
    largest,
    realloc_keeps_contents,
    realloc_keeps_its_place,
    resize_fills,
    strings,
    strings_too_long,
    value_outlives_its_handle,
    in_each_context,
    in_a_softirq,
    in_a_hard_interrupt,
    handle_dropped_in_each_context,
    freed_in_each_context,
    flags_that_reach_the_kernel,
    node_of_the_device,
    failed_initialiser_leaves_nothing,
    memory_comes_back_when_there_is_none,
    value_is_dropped_once,
    drop_order,
    driver_data_that_is_dropped_last,
    probe_fails_at_every_point,
    deferred_probe_leaves_nothing,
    driver_goes_while_bound,
    hundred_bindings,
}

/// A device that is bound until this is dropped.
struct BoundDevice(faux::Registration);

impl BoundDevice {
    fn new() -> Result<Self> {
        Ok(Self(faux::Registration::new(c"kalloc_devm", None)?))
    }

    fn dev(&self) -> &Device<Bound> {
        testlib::series::faux_device(&self.0)
    }
}

fn addr<T: ?Sized>(value: &T) -> usize {
    (&raw const *value).addr()
}

/// The allocation that `addr` is in.
fn allocation(trace: &Trace, addr: usize) -> Option<c::testlib_event> {
    trace.events().find(|event| {
        !event.is_free && (event.ptr.addr()..event.ptr.addr() + event.size).contains(&addr)
    })
}

/// How often it was freed.
fn frees(trace: &Trace, event: &c::testlib_event) -> usize {
    trace.frees(event.ptr)
}

fn contents_and_size(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let mut number = Devm::new(&task, bound.dev(), 7u64)?;
    check_eq!(*number, 7);
    *number += 1;
    check_eq!(*number, 8);
    check_eq!(number.device().name(), c"kalloc_devm");
    check_eq!(size_of::<Devm<'_, u64>>(), 16);
    check_eq!(size_of::<Option<Devm<'_, u64>>>(), 16);
    // What a driver keeps can be as small as C's pointer.
    let as_small: &mut u64 = number.into_mut();
    check_eq!(*as_small, 8);
    let words = Devm::<[usize; 512]>::new_uninit(&task, bound.dev())?.write([9; 512]);
    check!(words.iter().all(|&word| word == 9));
    Ok(())
}

fn alignment(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    #[repr(align(8))]
    struct Aligned<const N: usize>([u8; N]);
    check!(devm::MAX_ALIGN >= align_of::<u64>());
    macro_rules! aligned {
        ($($size:literal)*) => {$(
            let value = Devm::new(&task, bound.dev(), Aligned([1; $size]))?;
            check_eq!(addr(&*value) % devm::MAX_ALIGN, 0);
            check_eq!(value.0, [1; $size]);
        )*};
    }
    aligned!(1 8 40 72 136 200 1000 4096);
    Ok(())
}

fn no_size(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let (made, trace) = traced(|| -> Result {
        Devm::new(&task, bound.dev(), ())?.free(&task);
        Devm::<[u32]>::zeroed_slice(&task, bound.dev(), 0)?.free(&task);
        Devm::<[()]>::new_uninit_slice(&task, bound.dev(), usize::MAX)?.free(&task);
        Ok(())
    });
    made?;
    check_eq!(trace.events().count(), 0);
    Ok(())
}

fn zeroes(task: &mut TaskCx) -> Outcome {
    for _ in 0..50 {
        let bound = BoundDevice::new()?;
        let mut value = Devm::<[u64; 100]>::zeroed(&task, bound.dev())?;
        check!(value.iter().all(|&word| word == 0));
        value.fill(u64::MAX);
        let mut slice = Devm::<[u64]>::zeroed_slice(&task, bound.dev(), 100)?;
        check!(slice.iter().all(|&word| word == 0));
        slice.fill(u64::MAX);
    }
    Ok(())
}

/// To drop the handle frees nothing: the end of the binding does.
fn freed_at_unbinding(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let (made, trace) = traced(|| -> Result<_> {
        let value = Devm::new(&task, bound.dev(), [1u8; 100])?;
        Ok((
            addr(&*value),
            addr(&*Devm::kstrdup(&task, bound.dev(), c"a name")?),
        ))
    });
    let (value, string) = made?;
    let (Some(value), Some(string)) = (allocation(&trace, value), allocation(&trace, string))
    else {
        return Err(testlib::Stop::Fail);
    };
    check_eq!(frees(&trace, &value) + frees(&trace, &string), 0);
    let ((), trace) = traced(|| drop(bound));
    check_eq!((frees(&trace, &value), frees(&trace, &string)), (1, 1));
    Ok(())
}

fn freed_at_once(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let first = Devm::new(&task, bound.dev(), [1u8; 100])?;
    let (made, trace) = traced(|| -> Result<_> {
        let value = Devm::new(&task, bound.dev(), [2u8; 100])?;
        let last = Devm::new(&task, bound.dev(), [3u8; 100])?;
        let at = addr(&*value);
        value.free(&task);
        Ok((at, last))
    });
    let (at, last) = made?;
    let value = allocation(&trace, at).ok_or(EINVAL)?;
    check_eq!(frees(&trace, &value), 1);
    // The others are as they were.
    check_eq!((*first, *last), ([1; 100], [3; 100]));
    let ((), trace) = traced(|| drop(bound));
    check!(frees(&trace, &value) <= 1);
    Ok(())
}

fn slices(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let squares = Devm::from_fn(&task, bound.dev(), 100, |i| i * i)?;
    check!(squares
        .iter()
        .enumerate()
        .all(|(i, &square)| square == i * i));
    let copy = Devm::from_slice(&task, bound.dev(), &squares[..10])?;
    check_eq!(&*copy, &squares[..10]);
    check_eq!(Devm::<[u8]>::from_slice(&task, bound.dev(), &[])?.len(), 0);
    let bytes = Devm::<[u8]>::new_uninit_slice(&task, bound.dev(), 77)?;
    check_eq!(bytes.len(), 77);
    Ok(())
}

fn too_long(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let (dev, too_many) = (bound.dev(), devm::MAX_SIZE / 8 + 1);
    for len in [too_many, usize::MAX / 8, usize::MAX / 8 + 2, usize::MAX] {
        check!(Devm::<[u64]>::zeroed_slice(&task, dev, len).is_err());
        check!(Devm::<[u64]>::new_uninit_slice(&task, dev, len).is_err());
        let memory = Devm::from_slice(&task, dev, &[5u64, 6])?;
        match memory.resize(&task, len, 0) {
            Err(failed) => check_eq!(*failed.value, [5, 6]),
            Ok(_) => return Err(testlib::Stop::Fail),
        }
    }
    Ok(())
}

/// The kernel gives the largest without a warning.
fn largest(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let mut most = Devm::<[u8]>::zeroed_slice(&task, bound.dev(), devm::MAX_SIZE)?;
    most[devm::MAX_SIZE - 1] = 1;
    check_eq!(most.iter().map(|&byte| usize::from(byte)).sum::<usize>(), 1);
    most.free(&task);
    let _most = Devm::<[u8; devm::MAX_SIZE]>::new_uninit(&task, bound.dev())?;
    Ok(())
}

fn realloc_keeps_contents(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let mut memory = Devm::<[u32]>::new_uninit_slice(&task, bound.dev(), 8)?;
    for (i, element) in memory.iter_mut().enumerate() {
        element.write(i as u32);
    }
    let kept = |memory: &[MaybeUninit<u32>]| {
        memory.iter().take(8).enumerate().all(|(i, element)| {
            // SAFETY: The first 8 were written.
            unsafe { element.assume_init() == i as u32 }
        })
    };
    for len in [9, 1000, 5000, 20, 8] {
        memory = memory.realloc(&task, len)?;
        check_eq!(memory.len(), len);
        check!(kept(&memory));
    }
    // To nothing, and from it.
    memory = memory.realloc(&task, 0)?;
    check!(memory.is_empty());
    memory = memory.realloc(&task, 0)?;
    memory = memory.realloc(&task, 3)?;
    check_eq!(memory.len(), 3);
    memory.free(&task);
    Ok(())
}

/// Memory that moves is released where the old was: after what was made later.
fn realloc_keeps_its_place(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let (made, trace) = traced(|| -> Result<_> {
        let first = Devm::<[u64]>::zeroed_slice(&task, bound.dev(), 4)?;
        let old = addr(&*first);
        let second = Devm::new(&task, bound.dev(), 1u64)?;
        let first = first.resize(&task, 4000, 0)?;
        Ok((old, addr(&*first), addr(&*second)))
    });
    let (old, first, second) = made?;
    check!(old != first);
    let [Some(old), Some(first), Some(second)] =
        [old, first, second].map(|at| allocation(&trace, at))
    else {
        return Err(testlib::Stop::Fail);
    };
    check_eq!(frees(&trace, &old), 1);
    let ((), trace) = traced(|| drop(bound));
    let place = |wanted: &c::testlib_event| {
        trace
            .events()
            .position(|event| event.is_free && event.ptr == wanted.ptr)
    };
    check!(place(&first).is_some() && place(&second).is_some());
    check!(place(&second) < place(&first));
    Ok(())
}

fn resize_fills(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    // Whatever was in the rest of the memory.
    let mut memory = Devm::from_fn(&task, bound.dev(), 100, |_| 0xffu8)?;
    memory = memory.resize(&task, 2, 0)?;
    check_eq!(*memory, [0xff; 2]);
    memory = memory.resize(&task, 100, 0)?;
    check!(memory[..2] == [0xff; 2] && memory[2..].iter().all(|&byte| byte == 0));
    memory = memory.resize(&task, 3000, 7)?;
    check!(memory[100..].iter().all(|&byte| byte == 7));
    Ok(())
}

fn strings(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let dev = bound.dev();
    let copy = Devm::kstrdup(&task, dev, c"a name")?;
    check_eq!(&*copy, c"a name");
    check_eq!(&*Devm::kstrdup(&task, dev, c"")?, c"");
    let name = Devm::kasprintf(&task, dev, fmt!("{}-{}", dev.name(), 7))?;
    check_eq!(&*name, c"kalloc_devm-7");
    let long = Devm::kasprintf(&task, dev, fmt!("{:>3000}", 1))?;
    check_eq!(long.count_bytes(), 3000);
    // As in C the string ends there.
    check_eq!(&*Devm::kasprintf(&task, dev, fmt!("one\0two"))?, c"one");
    let ((), trace) = traced(|| {
        copy.free(&task);
        name.free(&task);
        long.free(&task);
    });
    check_eq!(trace.events().filter(|event| event.is_free).count(), 3);
    Ok(())
}

/// Writes as many bytes.
struct Long(usize);

impl kernel::fmt::Display for Long {
    fn fmt(&self, f: &mut kernel::fmt::Formatter<'_>) -> kernel::fmt::Result {
        let part = match core::str::from_utf8(&[b'x'; 4096]) {
            Ok(part) => part,
            Err(_) => return Err(kernel::fmt::Error),
        };
        for _ in 0..self.0 / part.len() {
            f.write_str(part)?;
        }
        f.write_str(&part[..self.0 % part.len()])
    }
}

fn strings_too_long(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let dev = bound.dev();
    let longest = devm::MAX_SIZE - 1;
    let name = Devm::kasprintf(&task, dev, fmt!("{}", Long(longest)))?;
    check_eq!(name.count_bytes(), longest);
    name.free(&task);
    // devm_kasprintf() asks kmalloc for any length, with a warning in the log.
    for len in [u32::MAX as usize, 1 << 32, i32::MAX as usize, longest + 1] {
        check!(Devm::kasprintf(&task, dev, fmt!("{}", Long(len))).is_err());
    }
    let mut text = VBox::<[u8]>::zeroed_slice(&task, devm::MAX_SIZE + 1)?;
    text[..devm::MAX_SIZE].fill(b'x');
    let text = CStr::from_bytes_with_nul(&text).map_err(|_| EINVAL)?;
    check!(Devm::kstrdup(&task, dev, text).is_err());
    Ok(())
}

fn value_outlives_its_handle(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    fn make<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<&'bound mut [u32]> {
        Ok(Devm::from_slice(task, dev, &[1, 2, 3])?.into_mut())
    }
    let first = make(task, bound.dev())?;
    let second = make(task, bound.dev())?;
    first[0] = 4;
    check!(first == [4, 2, 3] && second == [1, 2, 3]);
    // One that borrows another, which has no drop glue.
    let third = Devm::new(&task, bound.dev(), &*first)?;
    check_eq!(third[1], 2);
    Ok(())
}

fn in_each_context(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let dev = bound.dev();
    macro_rules! works {
        ($cx:expr) => {{
            let made = Devm::new(&$cx, dev, [7u64; 8]).ok();
            made.is_some_and(|made| {
                let fine = *made == [7; 8];
                made.free(&$cx);
                fine
            })
        }};
    }
    check!(works!(task));
    check!(task.nofs(|cx| works!(cx)));
    check!(task.noio(|cx| works!(cx)));
    check_in_each_atomic_context!(task, |cx| works!(cx));
    check!(works!(task.as_irq()));
    Ok(())
}

fn in_a_softirq(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let kept = Devm::new(&task, bound.dev(), 1u64)?;
    let (dev, mut kept, mut made) = (bound.dev(), Some(kept), None);
    in_softirq(|cx| {
        made = Devm::new(&*cx, dev, [5u64; 9]).ok();
        if let Some(kept) = kept.take() {
            kept.free(&*cx);
        }
    })?;
    check!(made.is_some_and(|made| *made == [5; 9]));
    Ok(())
}

#[cfg(not(CONFIG_PREEMPT_RT))]
fn in_a_hard_interrupt(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let kept = Devm::new(&task, bound.dev(), 1u64)?;
    let (dev, mut kept, mut made) = (bound.dev(), Some(kept), None);
    let mut there = false;
    in_hardirq(|cx| {
        there = is_in_hardirq();
        made = Devm::new(&*cx, dev, [5u64; 9]).ok();
        if let Some(kept) = kept.take() {
            kept.free(&*cx);
        }
    })?;
    check!(there);
    check!(made.is_some_and(|made| *made == [5; 9]));
    Ok(())
}

/// There is no allocator with interrupts off.
#[cfg(CONFIG_PREEMPT_RT)]
fn in_a_hard_interrupt(_task: &mut TaskCx) -> Outcome {
    Err(testlib::Stop::Skip("not on PREEMPT_RT"))
}

/// Nothing happens: the memory is as it was, and is freed at the end of the binding.
fn handle_dropped_in_each_context(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let (made, trace) = traced(|| -> Result<_> {
        let mut handles: [_; 10] = [const { None }; 10];
        for handle in &mut handles {
            *handle = Some(Devm::new(&task, bound.dev(), [3u8; 200])?);
        }
        Ok(handles)
    });
    let mut handles = made?;
    let memory = handles
        .each_ref()
        .map(|handle| allocation(&trace, handle.as_ref().map_or(0, |memory| addr(&**memory))));
    let mut left = handles.iter_mut();
    let mut next = || left.next().map(Option::take);
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    let mut seen = (false, false);
    let ((), dropped) = traced(|| {
        drop(next());
        task.nofs(|_| drop(next()));
        task.noio(|_| drop(next()));
        task.locked(&lock, |_, _| drop(next()));
        task.rcu_read(|_, _| drop(next()));
        task.irqs_off(|_| drop(next()));
        task.preempt_off(|_| drop(next()));
    });
    check_eq!(dropped.events().count(), 0);
    in_softirq(|_| drop(next()))?;
    in_hardirq(|_| {
        seen.0 = is_in_hardirq();
        drop(next())
    })?;
    let nmi = in_nmi_if_any(|_| {
        seen.1 = is_in_nmi();
        drop(next())
    })?;
    if !nmi {
        drop(next());
    }
    check_eq!((seen, next().is_none()), ((true, nmi), true));
    let ((), end) = traced(|| drop(bound));
    for event in memory {
        check_eq!(frees(&end, &event.ok_or(EINVAL)?), 1);
    }
    Ok(())
}

/// The memory is free when it returns.
fn freed_in_each_context(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    macro_rules! freed {
        ($enter:expr) => {{
            let (made, trace) = traced(|| Devm::new(&task, bound.dev(), [3u8; 200]));
            let mut made = Some(made?);
            let event = allocation(&trace, made.as_ref().map_or(0, |made| addr(&**made)));
            let mut take = || made.take();
            let enter: fn(&mut TaskCx, &SpinLock<u32>, &mut dyn FnMut() -> _) = $enter;
            let ((), trace) = traced(|| enter(task, &lock, &mut take));
            check_eq!(frees(&trace, &event.ok_or(EINVAL)?), 1);
        }};
    }
    type Take<'t, 'a> = &'t mut dyn FnMut() -> Option<Devm<'a, [u8; 200]>>;
    fn free<C: MayAlloc>(cx: &C, take: Take<'_, '_>) {
        if let Some(memory) = take() {
            memory.free(cx);
        }
    }
    freed!(|task, _, take| free(task, take));
    freed!(|task, _, take| task.nofs(|cx| free(cx, take)));
    freed!(|task, _, take| task.noio(|cx| free(cx, take)));
    freed!(|task, lock, take| task.locked(lock, |_, cx| free(cx, take)));
    freed!(|task, _, take| task.rcu_read(|_, cx| free(cx, take)));
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        freed!(|task, _, take| task.irqs_off(|cx| free(cx, take)));
        freed!(|task, _, take| task.preempt_off(|cx| free(cx, take)));
    }
    Ok(())
}

fn bits<F: Gfp>(_: F) -> u32 {
    F::BITS
}

fn flags_that_reach_the_kernel(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let dev = bound.dev();
    macro_rules! reach {
        ($bits:expr, $make:expr) => {
            let (made, trace) = traced(|| $make);
            let event = allocation(&trace, addr(&*made?)).ok_or(EINVAL)?;
            check_eq!(event.gfp, $bits);
        };
    }
    reach!(bits(GFP_KERNEL), Devm::new(&task, dev, 1u64));
    reach!(bits(GFP_KERNEL.zeroed()), Devm::<u64>::zeroed(&task, dev));
    reach!(
        bits(GFP_KERNEL.zeroed()),
        Devm::<[u64]>::zeroed_slice(&task, dev, 3)
    );
    reach!(bits(GFP_KERNEL), Devm::kstrdup(&task, dev, c"a name"));
    reach!(bits(GFP_KERNEL), Devm::kasprintf(&task, dev, fmt!("{}", 1)));
    reach!(
        bits(GFP_KERNEL.account()),
        Devm::new(task.with(GFP_KERNEL.account()), dev, 1u64)
    );
    reach!(bits(GFP_ATOMIC), Devm::new(&task.as_atomic(), dev, 1u64));
    let few = Devm::<[u64]>::new_uninit_slice(&task, dev, 1)?;
    reach!(bits(GFP_ATOMIC), few.realloc(task.with(GFP_ATOMIC), 1000));
    Ok(())
}

fn node_of_the_device(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let (made, trace) = traced(|| Devm::new(&task, bound.dev(), 1u64));
    let event = allocation(&trace, addr(&*made?)).ok_or(EINVAL)?;
    // A faux device has none, so any will do.
    check_eq!(event.node, kernel::bindings::NUMA_NO_NODE);
    Ok(())
}

/// Fails, when it has counted.
fn failing<'a, T: 'a>(tried: &'a AtomicUsize) -> impl PinInit<T, Error> + 'a {
    // SAFETY: It initialises nothing, and fails.
    unsafe {
        pin_init::pin_init_from_closure(move |_: *mut T| {
            tried.fetch_add(1, Relaxed);
            Err(EINVAL)
        })
    }
}

fn failed_initialiser_leaves_nothing(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let tried = AtomicUsize::new(0);
    let (made, trace) =
        traced(|| Devm::<[u64; 20]>::pin_init(&task, bound.dev(), failing(&tried)).map(|_| ()));
    check_eq!((made, tried.load(Relaxed)), (Err(EINVAL), 1));
    let allocations = trace.events().filter(|event| !event.is_free).count();
    check_eq!((allocations, trace.events().count()), (1, 2));
    Ok(())
}

fn memory_comes_back_when_there_is_none(task: &mut TaskCx) -> Outcome {
    let bound = BoundDevice::new()?;
    let few = Devm::from_slice(&task, bound.dev(), &[1u64, 2])?;
    let hoard = all_large_memory(task)?;
    let grant = || GFP_NORECLAIM.nowarn();
    let large = devm::MAX_SIZE / 8;
    let made = Devm::<[u64]>::new_uninit_slice(task.with(grant()), bound.dev(), large);
    let few = few.resize(task.with(grant()), large, 0);
    drop(hoard);
    check!(made.is_err());
    match few {
        Err(failed) => check_eq!(*failed.value, [1, 2]),
        Ok(_) => return Err(testlib::Stop::Fail),
    }
    Ok(())
}

// Drivers --------------------------------------------------------------------------------------------------------------

/// What has happened so far, one digit each.
struct Record(AtomicU64);

impl Record {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
    fn add(&self, digit: u64) {
        self.0.store(self.0.load(Relaxed) * 10 + digit, Relaxed);
    }
    fn take(&self) -> u64 {
        self.0.swap(0, Relaxed)
    }
}

/// Adds its digit when it is dropped.
struct OnDrop(&'static Record, u64);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// Registers a driver of that name.
fn register<T: platform::Driver + 'static>(
    task: &mut TaskCx,
    name: &'static CStr,
) -> Result<Pin<KBox<platform::Registration<T>>>> {
    let module = testlib::this_module();
    // SAFETY: The initialiser runs here, in process context, and the tests end there too.
    let driver = unsafe { platform::Registration::<T>::register(name, module) };
    KBox::pin_init(&task, driver)
}

/// A driver whose probe is the function `$probe`.
macro_rules! driver {
    ($driver:ident, $data:ident, $probe:ident) => {
        struct $driver;

        impl platform::Driver for $driver {
            type IdInfo = ();
            type Data<'bound> = $data<'bound>;

            fn probe<'bound>(
                dev: &'bound kernel::platform::Device<Core<'_>>,
                _id_info: Option<&'bound ()>,
                task: &mut TaskCx,
            ) -> impl PinInit<$data<'bound>, Error> {
                $probe(dev.as_ref(), task)
            }
        }
    };
}

static DROPPED: Record = Record::new();

struct Owns<'bound> {
    _value: Devm<'bound, OnDrop>,
}

fn owns<'bound>(dev: &'bound Device<Core<'_>>, task: &mut TaskCx) -> Result<Owns<'bound>> {
    // One that is freed before, and is not dropped again.
    Devm::new_with_drop(&task, dev, OnDrop(&DROPPED, 1))?.free(&task);
    DROPPED.add(2);
    // It can be made where the code must not sleep too.
    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    task.locked(&lock, |_, cx| -> Result<_> {
        let _value = Devm::new_with_drop(&cx, dev, OnDrop(&DROPPED, 3))?;
        Ok(Owns { _value })
    })
}

driver!(Owning, Owns, owns);

fn value_is_dropped_once(task: &mut TaskCx) -> Outcome {
    let _driver = register::<Owning>(task, c"kalloc_owning")?;
    let device = PlatformDevice::new(task, c"kalloc_owning")?;
    check!(device.is_bound());
    check_eq!(DROPPED.take(), 12);
    device.unbind(task);
    check_eq!(DROPPED.take(), 3);
    check!(device.bind(task)?);
    check_eq!(DROPPED.take(), 12);
    drop(device);
    check_eq!(DROPPED.take(), 3);
    Ok(())
}

static ORDER: Record = Record::new();
const DATA: u64 = 8;
const WRONG: u64 = 9;

struct Ordered<'bound> {
    number: Devm<'bound, u64>,
    first: Devm<'bound, OnDrop>,
    last: Pin<Devm<'bound, Locked>>,
}

/// What must not be moved, and has to be dropped.
#[pin_data]
struct Locked {
    #[pin]
    lock: SpinLock<u64>,
    at: AtomicUsize,
    dropped: OnDrop,
}

impl Drop for Ordered<'_> {
    /// All of them are still there.
    fn drop(&mut self) {
        let lock = &self.last.lock;
        // SAFETY: The kernel unbinds in process context, and no other token is in reach.
        let task = &mut unsafe { TaskCx::assume() };
        let fine = *self.number == 5
            && self.first.1 == 1
            && self.last.at.load(Relaxed) == addr(lock)
            && task.locked(lock, |number, _| *number == 6);
        ORDER.add(if fine { DATA } else { WRONG });
    }
}

fn ordered<'bound>(dev: &'bound Device<Core<'_>>, task: &mut TaskCx) -> Result<Ordered<'bound>> {
    let first = Devm::new_with_drop(&task, dev, OnDrop(&ORDER, 1))?;
    let number = Devm::new(&task, dev, 5)?;
    let second = Devm::new_with_drop(&task, dev, OnDrop(&ORDER, 2))?;
    let last = Devm::pin_init_with_drop(
        &task,
        dev,
        pin_init!(Locked {
            lock <- new_spinlock!(6),
            at: AtomicUsize::new(0),
            dropped: OnDrop(&ORDER, 3),
        }),
    )?;
    last.at.store(addr(&last.lock), Relaxed);
    // To drop the handle is not to drop the value.
    drop(second);
    Ok(Ordered {
        number,
        first,
        last,
    })
}

driver!(InOrder, Ordered, ordered);

/// First the driver's data, for which every value is still there; then the values, the last first.
/// An I2C device, whose core releases devm memory before the driver's data is dropped.
#[cfg(CONFIG_I2C = "y")]
mod i2c {
    use super::*;
    use kernel::{
        bindings,
        error::{from_err_ptr, to_result},
        i2c,
    };

    /// Whether probe ran, how many `Devm` the driver's data had, and how many of their values were
    /// gone in its drop.
    pub(super) static PROBED: AtomicUsize = AtomicUsize::new(0);
    pub(super) static MADE: AtomicUsize = AtomicUsize::new(0);
    pub(super) static GONE: AtomicUsize = AtomicUsize::new(0);
    static ALIVE: AtomicUsize = AtomicUsize::new(0);

    struct Value;

    impl Drop for Value {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Relaxed);
        }
    }

    pub(super) struct Data<'bound> {
        value: Option<Devm<'bound, Value>>,
        number: Option<Devm<'bound, u64>>,
        none: Option<Devm<'bound, [u64]>>,
    }

    impl Drop for Data<'_> {
        fn drop(&mut self) {
            let made = [
                self.value.is_some(),
                self.number.is_some(),
                self.none.is_some(),
            ];
            MADE.store(made.iter().filter(|&&made| made).count(), Relaxed);
            GONE.store(usize::from(made[0] && ALIVE.load(Relaxed) == 0), Relaxed);
        }
    }

    pub(super) struct Driver;

    testlib::series::device_table!(
        i2c_device_table,
        TABLE,
        <Driver as i2c::Driver>::IdInfo,
        [(i2c::DeviceId::new(c"kalloc_devm"), ())]
    );

    impl i2c::Driver for Driver {
        type IdInfo = ();
        type Data<'bound> = Data<'bound>;
        const I2C_ID_TABLE: Option<i2c::IdTable<()>> = Some(&TABLE);

        fn probe<'bound>(
            dev: &'bound i2c::I2cClient<Core<'_>>,
            _info: Option<&'bound ()>,
        ) -> impl PinInit<Data<'bound>, Error> + 'bound {
            // SAFETY: Probe runs in process context, and this is the only token in it.
            let task = unsafe { TaskCx::assume() };
            let core: &Device<Core<'_>> = dev.as_ref();
            let bound: &Device<Bound> = core;
            PROBED.store(1, Relaxed);
            ALIVE.store(1, Relaxed);
            Ok(Data {
                value: Devm::new_with_drop(&task, core, Value).ok(),
                number: Devm::new(&task, bound, 1).ok(),
                none: Devm::from_slice(&task, bound, &[]).ok(),
            })
        }
    }

    extern "C" fn functionality(_adapter: *mut bindings::i2c_adapter) -> u32 {
        0
    }

    /// Runs `f` while there is a device of that driver's name.
    pub(super) fn with_device(task: &TaskCx, f: impl FnOnce() -> Outcome) -> Outcome {
        let algorithm = KBox::new(
            task,
            bindings::i2c_algorithm {
                functionality: Some(functionality),
                ..Default::default()
            },
        )?;
        let mut adapter = KBox::<bindings::i2c_adapter>::init(task, pin_init::init_zeroed())?;
        adapter.algo = &raw const *algorithm;
        for (to, from) in adapter.name.iter_mut().zip(b"kalloc") {
            *to = *from;
        }
        let mut info = bindings::i2c_board_info {
            addr: 0x50,
            ..Default::default()
        };
        for (to, from) in info.type_.iter_mut().zip(b"kalloc_devm") {
            *to = *from;
        }
        // SAFETY: The adapter has a name and an algorithm, and lives until it is deleted below.
        to_result(unsafe { bindings::i2c_add_adapter(&raw mut *adapter) })?;
        // SAFETY: The adapter was added above.
        let client = from_err_ptr(unsafe {
            bindings::i2c_new_client_device(&raw mut *adapter, &raw const info)
        });
        let result = match client {
            Ok(client) => {
                let result = f();
                // SAFETY: The client was made above, and is not used again.
                unsafe { bindings::i2c_unregister_device(client) };
                result
            }
            Err(error) => Err(error.into()),
        };
        // SAFETY: The adapter was added above, and has no client any more.
        unsafe { bindings::i2c_del_adapter(&raw mut *adapter) };
        result
    }
}

#[cfg(CONFIG_I2C = "y")]
fn driver_data_that_is_dropped_last(task: &mut TaskCx) -> Outcome {
    use kernel::{driver, i2c as bus};
    i2c::with_device(task, || {
        drop(KBox::pin_init(
            &*task,
            driver::Registration::<bus::Adapter<i2c::Driver>>::new(
                c"kalloc_devm",
                testlib::this_module(),
            ),
        )?);
        Ok(())
    })?;
    check_eq!(i2c::PROBED.load(Relaxed), 1);
    check_eq!((i2c::GONE.load(Relaxed), i2c::MADE.load(Relaxed)), (0, 0));
    Ok(())
}

#[cfg(not(CONFIG_I2C = "y"))]
fn driver_data_that_is_dropped_last(_task: &mut TaskCx) -> Outcome {
    Err(testlib::Stop::Skip("the kernel crate has no I2C drivers"))
}

fn drop_order(task: &mut TaskCx) -> Outcome {
    let _driver = register::<InOrder>(task, c"kalloc_in_order")?;
    let device = PlatformDevice::new(task, c"kalloc_in_order")?;
    check!(device.is_bound());
    check_eq!(ORDER.take(), 0);
    device.unbind(task);
    check_eq!(ORDER.take(), 8321);
    Ok(())
}

fn driver_goes_while_bound(task: &mut TaskCx) -> Outcome {
    let driver = register::<InOrder>(task, c"kalloc_going")?;
    let device = PlatformDevice::new(task, c"kalloc_going")?;
    check!(device.is_bound());
    drop(driver);
    check!(!device.is_bound());
    check_eq!(ORDER.take(), 8321);
    Ok(())
}

/// Where a probe fails, with what, how many values there are that have to be dropped, and where the
/// memory is.
static FAILS_AT: AtomicUsize = AtomicUsize::new(0);
static ALIVE: AtomicUsize = AtomicUsize::new(0);
static MADE: [AtomicPtr<u8>; POINTS] = [const { AtomicPtr::new(core::ptr::null_mut()) }; POINTS];
const POINTS: usize = 8;

struct Alive(#[allow(dead_code)] u8);

impl Alive {
    fn new() -> Self {
        ALIVE.fetch_add(1, Relaxed);
        Self(1)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Relaxed);
    }
}

#[pin_data]
struct Many<'bound> {
    plain: Devm<'bound, [u64; 32]>,
    ring: Devm<'bound, [u32]>,
    name: Devm<'bound, CStr>,
    alive: Devm<'bound, Alive>,
    pinned: Pin<Devm<'bound, Alive>>,
    grown: Devm<'bound, [u32]>,
    boxed: KBox<Alive>,
    #[pin]
    last: Alive,
}

/// Fails where it should, and else notes where memory was made.
fn point<T: ?Sized>(number: usize, made: &T) -> Result {
    MADE[number - 1].store((&raw const *made).cast_mut().cast(), Relaxed);
    match FAILS_AT.load(Relaxed) {
        at if at == number => Err(if number % 2 == 0 {
            ENODEV
        } else {
            EPROBE_DEFER
        }),
        _ => Ok(()),
    }
}

fn many<'bound, 'probe, 'task>(
    dev: &'bound Device<Core<'probe>>,
    task: &'task mut TaskCx,
) -> impl PinInit<Many<'bound>, Error> + use<'bound, 'probe, 'task> {
    pin_init::pin_init_scope(move || {
        let plain = Devm::new(&task, dev, [1; 32])?;
        point(1, &*plain)?;
        let ring = Devm::zeroed_slice(&task, dev, 20)?;
        point(2, &*ring)?;
        let name = Devm::kasprintf(&task, dev, fmt!("{} and more", dev.name()))?;
        point(3, &*name)?;
        let alive = Devm::new_with_drop(&task, dev, Alive::new())?;
        point(4, &*alive)?;
        let pinned = Devm::pin_init_with_drop(&task, dev, Ok::<_, Error>(Alive::new()))?;
        point(5, &*pinned)?;
        let grown = Devm::from_slice(&task, dev, &[1u32])?.resize(&task, 500, 2)?;
        point(6, &*grown)?;
        let boxed = KBox::new(&task, Alive::new())?;
        point(7, &*boxed)?;
        Ok(try_pin_init!(Many {
            plain,
            ring,
            name,
            alive,
            pinned,
            grown,
            boxed,
            last: {
                let last = Alive::new();
                point(8, &last)?;
                last
            },
        }))
    })
}

driver!(Failing, Many, many);

/// Whether each allocation that the last probe made was freed, and no value is left.
fn nothing_is_left(trace: &Trace, made: usize) -> Outcome {
    check!(trace.events().count() < 256);
    // The last is in the driver's data, and not by itself.
    for memory in &MADE[..made.min(POINTS - 1)] {
        let event = allocation(trace, memory.load(Relaxed).addr()).ok_or(EINVAL)?;
        // Others may have had the same memory before or after, and need not have freed it themselves.
        let of_it = || trace.events().filter(|other| other.ptr == event.ptr);
        for (index, this) in of_it().enumerate() {
            if !this.is_free && (this.size, this.gfp) == (event.size, event.gfp) {
                check!(of_it().nth(index + 1).is_some_and(|next| next.is_free));
            }
        }
    }
    check_eq!(ALIVE.load(Relaxed), 0);
    Ok(())
}

fn probe_fails_at_every_point(task: &mut TaskCx) -> Outcome {
    let device = PlatformDevice::new(task, c"kalloc_failing")?;
    for fails_at in [2, 4, 6, 8, 0] {
        FAILS_AT.store(fails_at, Relaxed);
        let (bound, trace) = traced(|| -> Result<_> {
            let _driver = register::<Failing>(task, c"kalloc_failing")?;
            Ok(device.is_bound())
        });
        check_eq!(bound?, fails_at == 0);
        nothing_is_left(&trace, if fails_at == 0 { POINTS } else { fails_at })?;
    }
    Ok(())
}

/// As above, with `EPROBE_DEFER`; and when another device is bound it is tried again.
fn deferred_probe_leaves_nothing(task: &mut TaskCx) -> Outcome {
    let _other = register::<Owning>(task, c"kalloc_other")?;
    for fails_at in [1, 3, 5, 7] {
        FAILS_AT.store(fails_at, Relaxed);
        let device = PlatformDevice::new(task, c"kalloc_deferred")?;
        let driver = register::<Failing>(task, c"kalloc_deferred")?;
        check!(!device.is_bound());
        check_eq!(ALIVE.load(Relaxed), 0);
        FAILS_AT.store(0, Relaxed);
        let _trigger = PlatformDevice::new(task, c"kalloc_other")?;
        wait_for_device_probe(task);
        check!(device.is_bound());
        check_eq!(ALIVE.load(Relaxed), 4);
        drop(driver);
        check_eq!(ALIVE.load(Relaxed), 0);
    }
    DROPPED.take();
    Ok(())
}

fn hundred_bindings(task: &mut TaskCx) -> Outcome {
    FAILS_AT.store(0, Relaxed);
    let _driver = register::<Failing>(task, c"kalloc_hundred")?;
    let device = PlatformDevice::new(task, c"kalloc_hundred")?;
    device.unbind(task);
    for _ in 0..testlib::rounds(100) {
        let (bound, trace) = traced(|| -> Result<_> {
            let bound = device.bind(task)?;
            device.unbind(task);
            Ok(bound)
        });
        check!(bound?);
        nothing_is_left(&trace, POINTS)?;
    }
    Ok(())
}
