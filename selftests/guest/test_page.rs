// SPDX-License-Identifier: GPL-2.0

//! Pages: orders, flags that reach the kernel, what memory they are, mappings, and that each is
//! freed once.

use core::mem::{size_of, MaybeUninit};
use kalloc::{gfp::*, page::*, prelude::*};
use kernel::{
    bindings::gfp_t,
    new_spinlock,
    page::{Page, PAGE_SIZE},
    sync::SpinLock,
};
use testlib::{c, check, check_eq, maps_traced, pages_traced, Outcome, Stop};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_page":
    owners_have_the_size_they_promise,
    every_constant_order,
    every_order_at_run_time,
    order_too_large_is_an_error,
    order_of_a_size,
    zeroed_memory_is_zero,
    kernel_sees_flags_and_order,
    kernel_sees_the_default_of_each_context,
    kernel_sees_exact_and_bulk,
    freed_once_with_the_order,
    dropped_in_each_section,
    dropped_in_interrupts,
    compound_is_the_kernels_compound,
    split_pages_are_freed_apart,
    exact_takes_as_many_pages,
    exact_sizes_that_are_errors,
    bulk_fills_the_empty_places,
    bulk_partial_success_is_visible,
    initialising_covers_every_byte,
    mappings_nest,
    mapping_reaches_every_page,
    high_and_low,
    address_and_struct_page_are_the_same_memory,
    raw_and_back,
    kernel_crates_page_and_back,
    page_with_another_user_is_given_back,
    failure_is_an_error,
    nofail_is_infallible,
    nothing_leaks,
}

fn bits<F: Gfp>(_: F) -> gfp_t {
    F::BITS
}

/// Whether the kernel counts a reference to the page.
fn in_use(pfn: usize) -> bool {
    // SAFETY: The frame is one of memory.
    unsafe { c::testlib_page_count(pfn) != 0 }
}

fn owners_have_the_size_they_promise(_task: &mut TaskCx) -> Outcome {
    check_eq!(size_of::<Pages<Order<4>>>(), 8);
    check_eq!(
        size_of::<Option<Pages<Order<4>, MaybeUninit<u8>, High>>>(),
        8
    );
    check_eq!(size_of::<FreePages<Order<4>>>(), 8);
    check_eq!(size_of::<Option<FreePages>>(), 8);
    check_eq!(size_of::<Pages<AnyOrder>>(), 16);
    check_eq!(size_of::<ExactPages>(), 16);
    // SAFETY: It has no preconditions.
    check_eq!(MAX_ORDER, unsafe { c::testlib_max_page_order() });
    Ok(())
}

/// Pages are as many as they say, all writable, and aligned to their size.
fn whole<O: PageOrder>(task: &TaskCx, order: O) -> Outcome {
    let mut pages = Pages::new_uninit(task, order)?.memset(0xa5);
    check_eq!(pages.size(), PAGE_SIZE << order.order());
    check_eq!(pages.nr_pages(), 1 << order.order());
    check_eq!(pages.page_address().len(), pages.size());
    check!(pages.page_address_mut().iter().all(|&byte| byte == 0xa5));
    check_eq!(pages.phys() as usize % pages.size(), 0);
    check_eq!(pages.phys() as usize, pages.pfn() * PAGE_SIZE);

    let mut memory = FreePages::zeroed(task, order)?;
    let last = memory.len() - 1;
    memory[last] = 1;
    check_eq!(memory.len(), pages.size());
    check_eq!(memory.phys() as usize % memory.len(), 0);
    // SAFETY: It is kernel memory.
    check_eq!(memory.phys(), unsafe {
        c::testlib_phys(memory.as_ptr().cast())
    });
    Ok(())
}

fn every_constant_order(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($order:literal)*) => {$( whole(task, Order::<$order>)?; )*};
    }
    each!(0 1 2 3 4 5 6 7 8 9 10);
    Ok(())
}

fn every_order_at_run_time(task: &mut TaskCx) -> Outcome {
    for order in 0..=MAX_ORDER {
        whole(task, AnyOrder::new(order)?)?;
    }
    Ok(())
}

/// The kernel, which would warn, is not asked.
fn order_too_large_is_an_error(_task: &mut TaskCx) -> Outcome {
    for order in [MAX_ORDER + 1, 31, 32, 64, u32::MAX] {
        check_eq!(AnyOrder::new(order).err(), Some(EINVAL));
    }
    check_eq!(
        AnyOrder::new(MAX_ORDER).map(|order| order.order()),
        Ok(MAX_ORDER)
    );
    Ok(())
}

fn order_of_a_size(_task: &mut TaskCx) -> Outcome {
    let order = |size| AnyOrder::for_size(size).map(|order| order.order());
    check_eq!(order(0), Err(EINVAL));
    check_eq!(order(1), Ok(0));
    check_eq!(order(PAGE_SIZE), Ok(0));
    check_eq!(order(PAGE_SIZE + 1), Ok(1));
    check_eq!(order(2 * PAGE_SIZE + 1), Ok(2));
    check_eq!(order(MAX_SIZE / 2 + 1), Ok(MAX_ORDER));
    check_eq!(order(MAX_SIZE), Ok(MAX_ORDER));
    check_eq!(order(MAX_SIZE + 1), Err(EINVAL));
    check_eq!(order(usize::MAX), Err(EINVAL));
    Ok(())
}

fn zeroed_memory_is_zero(task: &mut TaskCx) -> Outcome {
    let zero = |memory: &[u8]| memory.iter().all(|&byte| byte == 0);
    // Fill memory first, so that zeroes are not there by luck.
    for _ in 0..8 {
        drop(Pages::new_uninit(&task, Order::<3>)?.memset(0xff));
        check!(zero(Pages::zeroed(&task, Order::<3>)?.page_address()));
        drop(Pages::new_uninit(&task, Order::<0>)?.memset(0xff));
        check!(zero(&FreePages::zeroed(&task, Order::<0>)?));
        drop(Pages::new_uninit(&task, Order::<2>)?.memset(0xff));
        check!(zero(&ExactPages::zeroed(
            task.with(GFP_ATOMIC),
            3 * PAGE_SIZE
        )?));
    }
    Ok(())
}

/// Flags and order that the kernel saw of what `f` allocates, whose first page frame `pfn` finds.
fn seen<R, E>(
    f: impl FnOnce() -> Result<R, E>,
    pfn: impl FnOnce(&R) -> usize,
) -> Result<(gfp_t, u32), Stop> {
    let (result, trace) = pages_traced(f);
    let event = result.ok().and_then(|owner| trace.allocation(pfn(&owner)));
    check!(event.is_some());
    Ok(event.unwrap_or_default())
}

fn frame<O: PageOrder, T: PageBytes, K: Kind>(pages: &Pages<O, T, K>) -> usize {
    pages.pfn()
}

fn frame_at<O: PageOrder, T: PageBytes, K: Kind>(memory: &FreePages<O, T, K>) -> usize {
    memory.phys() as usize / PAGE_SIZE
}

fn kernel_sees_flags_and_order(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($flags:expr),* $(,)?) => {$(
            check_eq!(
                seen(|| Pages::new_uninit(task.with($flags), Order::<2>), frame)?,
                (bits($flags), 2)
            );
            check_eq!(
                seen(|| Pages::zeroed(task.with($flags), AnyOrder::new(1)?).map_err(Error::from), frame)?,
                (bits($flags.zeroed()), 1)
            );
        )*};
    }
    each!(
        GfpKernel,
        GfpKernelAccount,
        GfpUser,
        GfpHighUser,
        GfpHighUserMovable,
        GfpNoFs,
        GfpNoIo,
        GfpAtomic,
        GfpNowait,
        GfpNoReclaim,
        GFP_KERNEL.dma(),
        GFP_KERNEL.dma32(),
        GFP_KERNEL.highmem(),
        GFP_KERNEL.noretry(),
        GFP_KERNEL.retry_mayfail(),
        GFP_KERNEL.movable(),
        GFP_KERNEL.reclaimable(),
        GFP_KERNEL.nowarn(),
        GFP_KERNEL.account(),
        GFP_KERNEL.thisnode(),
        GFP_KERNEL.comp(),
        GFP_KERNEL.hardwall(),
        GFP_KERNEL.nomemalloc(),
        GFP_ATOMIC.dma32().comp().nowarn(),
        GFP_HIGHUSER.comp(),
    );
    macro_rules! addressed {
        ($($flags:expr),* $(,)?) => {$(
            check_eq!(
                seen(|| FreePages::new_uninit(task.with($flags), Order::<3>), frame_at)?,
                (bits($flags), 3)
            );
            check_eq!(
                seen(|| FreePages::zeroed(task.with($flags), Order::<0>), frame_at)?,
                (bits($flags.zeroed()), 0)
            );
        )*};
    }
    addressed!(
        GfpKernel,
        GfpUser,
        GfpAtomic,
        GFP_KERNEL.dma32(),
        GFP_KERNEL.comp(),
        GFP_KERNEL.account()
    );
    check_eq!(
        seen(
            || Pages::new_uninit(task.with(GFP_KERNEL.nofail()), Order::<1>),
            frame
        )?,
        (bits(GFP_KERNEL.nofail()), 1)
    );
    check_eq!(
        seen(
            || FreePages::new_uninit(task.with(GFP_KERNEL.nofail()), Order::<0>),
            frame_at
        )?,
        (bits(GFP_KERNEL.nofail()), 0)
    );
    Ok(())
}

fn kernel_sees_the_default_of_each_context(task: &mut TaskCx) -> Outcome {
    fn page<C: MayAlloc>(cx: &C) -> Result<Pages<Order<0>, MaybeUninit<u8>>> {
        Ok(Pages::new_uninit(cx, Order::<0>)?)
    }
    check_eq!(seen(|| page(task), frame)?, (bits(GFP_KERNEL), 0));
    check_eq!(
        seen(|| task.nofs(|cx| page(cx)), frame)?,
        (bits(GFP_NOFS), 0)
    );
    check_eq!(
        seen(|| task.noio(|cx| page(cx)), frame)?,
        (bits(GFP_NOIO), 0)
    );
    check_eq!(
        seen(|| task.rcu_read(|_, cx| page(cx)), frame)?,
        (bits(GFP_ATOMIC), 0)
    );
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        check_eq!(
            seen(|| task.irqs_off(|cx| page(cx)), frame)?,
            (bits(GFP_ATOMIC), 0)
        );
        check_eq!(
            seen(|| task.preempt_off(|cx| page(cx)), frame)?,
            (bits(GFP_ATOMIC), 0)
        );
    }
    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    check_eq!(
        seen(|| task.locked(&lock, |_, cx| page(cx)), frame)?,
        (bits(GFP_ATOMIC), 0)
    );
    Ok(())
}

fn kernel_sees_exact_and_bulk(task: &mut TaskCx) -> Outcome {
    let first = |pages: &ExactPages<_>| pages.phys() as usize / PAGE_SIZE;
    check_eq!(
        seen(|| ExactPages::new_uninit(&task, 5 * PAGE_SIZE), first)?,
        (bits(GFP_KERNEL), 3)
    );
    check_eq!(
        seen(
            || ExactPages::new_uninit(task.with(GFP_ATOMIC.dma32().account()), 1),
            first
        )?,
        (bits(GFP_ATOMIC.dma32().account()), 0)
    );
    // One page is what the kernel takes from its ordinary path, which the tracepoint is in.
    let single = |pages: &[Option<Pages<_, _, High>>; 1]| pages[0].as_ref().map_or(0, frame);
    check_eq!(
        seen(
            || {
                let mut page = [None];
                match alloc_bulk(task.with(GFP_HIGHUSER.nowarn()), &mut page) {
                    1 => Ok(page),
                    _ => Err(ENOMEM),
                }
            },
            single
        )?,
        (bits(GFP_HIGHUSER.nowarn()), 0)
    );
    Ok(())
}

fn freed_once_with_the_order(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($owner:expr, $frame:expr, $order:expr, $nr:expr;)*) => {$({
            let owner = $owner;
            let first = $frame(&owner);
            let ((), trace) = pages_traced(|| drop(owner));
            for pfn in first..first + $nr {
                check_eq!(trace.frees(pfn, $order), 1);
            }
            check_eq!(trace.events().count(), $nr);
        })*};
    }
    let exact = |pages: &ExactPages| pages.phys() as usize / PAGE_SIZE;
    each!(
        Pages::zeroed(&task, Order::<0>)?, frame, 0, 1;
        Pages::new_uninit(&task, Order::<3>)?, frame, 3, 1;
        Pages::new_uninit(&task, AnyOrder::new(5)?)?, frame, 5, 1;
        Pages::new_uninit(task.with(GFP_KERNEL.comp().account()), Order::<4>)?, frame, 4, 1;
        Pages::new_uninit(task.with(GFP_HIGHUSER), Order::<2>)?, frame, 2, 1;
        FreePages::zeroed(&task, Order::<1>)?, frame_at, 1, 1;
        FreePages::new_uninit(&task, AnyOrder::new(6)?)?, frame_at, 6, 1;
        ExactPages::zeroed(&task, 5 * PAGE_SIZE - 1)?, exact, 0, 5;
    );
    Ok(())
}

/// What takes no token: a drop.
fn dropped_in_each_section(task: &mut TaskCx) -> Outcome {
    type Owners = (Pages<Order<3>>, FreePages, ExactPages);
    fn owners(task: &TaskCx) -> Result<(Owners, [(usize, u32); 3]), Stop> {
        let pages = Pages::zeroed(task, Order::<3>)?;
        let memory = FreePages::zeroed(task, Order::<0>)?;
        let exact = ExactPages::zeroed(task, 100)?;
        let freed = [
            (pages.pfn(), 3),
            (frame_at(&memory), 0),
            (exact.phys() as usize / PAGE_SIZE, 0),
        ];
        Ok(((pages, memory, exact), freed))
    }
    macro_rules! each {
        ($($section:expr;)*) => {$({
            let (owners, freed) = owners(task)?;
            let section: &mut dyn FnMut(&mut TaskCx, &mut dyn FnMut()) = &mut $section;
            let mut owners = Some(owners);
            let ((), trace) = pages_traced(|| section(task, &mut || drop(owners.take())));
            for (pfn, order) in freed {
                check_eq!(trace.frees(pfn, order), 1);
            }
        })*};
    }
    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    let lock: &SpinLock<u32> = &lock;
    each!(
        |_task, f| f();
        |task, f| task.nofs(|_| f());
        |task, f| task.noio(|_| f());
        |task, f| task.locked(lock, |_, _| f());
        |task, f| task.rcu_read(|_, _| f());
        |task, f| task.nofs(|cx| cx.locked(lock, |_, cx| cx.rcu_read(|_, _| f())));
    );
    #[cfg(not(CONFIG_PREEMPT_RT))]
    each!(
        |task, f| task.irqs_off(|_| f());
        |task, f| task.preempt_off(|_| f());
        |task, f| task.irqs_off(|cx| cx.locked(lock, |_, _| f()));
    );
    Ok(())
}

/// Real interrupts. The order is one that no CPU keeps for itself, so that what was freed is free.
fn dropped_in_interrupts(task: &mut TaskCx) -> Outcome {
    struct Data {
        before: Option<Pages<Order<5>>>,
        within: Option<Pages<Order<5>, MaybeUninit<u8>>>,
    }
    let mut data = Data {
        before: Some(Pages::zeroed(&task, Order::<5>)?),
        within: None,
    };
    let pfn = data.before.as_ref().map_or(0, frame);
    let within = |data: &Data| data.within.as_ref().map_or(0, frame);
    testlib::in_softirq(|cx| {
        data.before = None;
        data.within = Pages::new_uninit(cx.with(GFP_ATOMIC), Order::<5>).ok();
    })?;
    check!(data.before.is_none() && (!in_use(pfn) || within(&data) == pfn));
    check!(in_use(within(&data)));

    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        data = Data {
            before: Some(Pages::zeroed(&task, Order::<5>)?),
            within: None,
        };
        let pfn = data.before.as_ref().map_or(0, frame);
        testlib::in_hardirq(|cx| {
            data.before = None;
            data.within = Pages::new_uninit(&cx, Order::<5>).ok();
        })?;
        check!(data.before.is_none() && (!in_use(pfn) || within(&data) == pfn));
        check!(in_use(within(&data)));
    }
    Ok(())
}

fn compound_is_the_kernels_compound(task: &mut TaskCx) -> Outcome {
    // SAFETY: The frames are of memory.
    let kernel = |pfn| unsafe { (c::testlib_page_compound(pfn), c::testlib_page_order(pfn)) };
    let pages = Pages::zeroed(task.with(GFP_KERNEL.comp()), Order::<3>)?;
    check_eq!(kernel(pages.pfn()), (true, 3));
    let memory: FreePages<_, u8, Compound<Low>> = pages.into();
    check_eq!(kernel(frame_at(&memory)), (true, 3));
    let high: Pages<_, _, Compound<High>> =
        Pages::new_uninit(task.with(GFP_HIGHUSER.comp()), AnyOrder::new(2)?)?;
    check_eq!(kernel(high.pfn()), (true, 2));
    check_eq!(kernel(Pages::zeroed(&task, Order::<3>)?.pfn()), (false, 0));
    Ok(())
}

fn split_pages_are_freed_apart(task: &mut TaskCx) -> Outcome {
    let mut pages = Pages::new_uninit(&task, Order::<3>)?;
    for (index, byte) in pages.page_address_mut().iter_mut().enumerate() {
        byte.write((index / PAGE_SIZE) as u8);
    }
    // SAFETY: Every byte was just written.
    let pages = unsafe { pages.assume_init() };
    let first = pages.pfn();
    let (mut split, trace) = pages_traced(|| pages.split());
    check_eq!(trace.events().count(), 0);
    check_eq!(split.len(), 8);
    for index in 0..5 {
        let page = split.next();
        check!(page.as_ref().is_some_and(|page| page.pfn() == first + index
            && page.page_address().iter().all(|&byte| byte == index as u8)));
        let ((), trace) = pages_traced(|| drop(page));
        check_eq!(trace.frees(first + index, 0), 1);
        check_eq!(trace.events().count(), 1);
    }
    let kept = split.next();
    // What is left goes with the iterator.
    let ((), trace) = pages_traced(|| drop(split));
    check!((6..8).all(|index| trace.frees(first + index, 0) == 1));
    check_eq!(trace.events().count(), 2);
    check!(kept.is_some_and(|page| page.pfn() == first + 5 && in_use(first + 5)));

    // Memory charged to a cgroup, high memory, order 0, and an order at run time.
    check_eq!(
        Pages::zeroed(task.with(GFP_KERNEL_ACCOUNT), Order::<2>)?
            .split()
            .count(),
        4
    );
    check_eq!(
        Pages::zeroed(task.with(GFP_HIGHUSER), Order::<1>)?
            .split()
            .count(),
        2
    );
    check_eq!(Pages::zeroed(&task, Order::<0>)?.split().count(), 1);
    check_eq!(Pages::zeroed(&task, AnyOrder::new(6)?)?.split().count(), 64);
    Ok(())
}

fn exact_takes_as_many_pages(task: &mut TaskCx) -> Outcome {
    for size in [
        1,
        100,
        PAGE_SIZE,
        PAGE_SIZE + 1,
        3 * PAGE_SIZE,
        5 * PAGE_SIZE + 7,
        MAX_SIZE - PAGE_SIZE,
        MAX_SIZE,
    ] {
        let (result, trace) = pages_traced(|| ExactPages::zeroed(&task, size));
        let mut exact = result?;
        let (first, nr) = (exact.phys() as usize / PAGE_SIZE, size.div_ceil(PAGE_SIZE));
        check_eq!((exact.len(), exact.nr_pages()), (size, nr));
        exact[size - 1] = 1;
        check!((first..first + nr).all(in_use));
        // What is beyond, up to a power of two, was given back at once.
        let order = AnyOrder::for_size(size)?;
        check_eq!(
            trace.allocation(first),
            Some((bits(GFP_KERNEL.zeroed()), order.order()))
        );
        let surplus = order.nr_pages() - nr;
        check_eq!(
            trace.events().filter(|event| event.is_free).count(),
            surplus
        );
    }
    let text = ExactPages::new_uninit(&task, PAGE_SIZE + 10)?.write(b"pages");
    check!(text.is_ok_and(|text| text.starts_with(b"pages\0") && text.ends_with(b"\0\0")));
    check!(ExactPages::new_uninit(&task, 10)?.write(&[1; 11]).is_err());
    check!(ExactPages::new_uninit(&task, 10)?.memset(3)[..] == [3; 10]);
    Ok(())
}

/// The kernel is not asked.
fn exact_sizes_that_are_errors(task: &mut TaskCx) -> Outcome {
    let (result, trace) = pages_traced(|| -> Outcome {
        for size in [0, MAX_SIZE + 1, usize::MAX, isize::MAX as usize] {
            check!(ExactPages::new_uninit(&task, size).is_err());
            check_eq!(
                ExactPages::zeroed(task.with(GFP_KERNEL).on(Node::local()), size)
                    .map_err(Error::from)
                    .err(),
                Some(ENOMEM)
            );
        }
        Ok(())
    });
    result?;
    check_eq!(trace.events().count(), 0);
    Ok(())
}

fn bulk_fills_the_empty_places(task: &mut TaskCx) -> Outcome {
    let mut pages = [const { None }; 16];
    let mut have = 0;
    while have < pages.len() {
        let now = alloc_bulk(&task, &mut pages);
        check!(now > have && now <= pages.len());
        check!(pages[..now].iter().all(Option::is_some));
        have = now;
    }
    check_eq!(alloc_bulk(&task, &mut pages), 16);
    let mut frames = pages.each_ref().map(|page| page.as_ref().map_or(0, frame));
    check!(frames.iter().all(|&pfn| in_use(pfn)));

    // Only the places that are empty get a page.
    pages[3] = None;
    pages[7] = None;
    while pages.iter().any(Option::is_none) {
        check!(alloc_bulk(&task, &mut pages) > 0);
    }
    for (index, page) in pages.iter().enumerate() {
        check!(
            [3, 7].contains(&index)
                || page
                    .as_ref()
                    .is_some_and(|page| page.pfn() == frames[index])
        );
    }
    frames = pages.each_ref().map(|page| page.as_ref().map_or(0, frame));
    for (index, frame) in frames.iter().enumerate() {
        check!(!frames[..index].contains(frame));
    }

    let ((), trace) = pages_traced(|| drop(pages));
    check!(frames.iter().all(|&pfn| trace.frees(pfn, 0) == 1));
    check_eq!(trace.events().count(), 16);
    check_eq!(alloc_bulk(&task, &mut []), 0);

    // Zeroed, and mapped as what may be high.
    let mut high = [const { None }; 8];
    let have = alloc_bulk(task.with(GFP_HIGHUSER.zeroed()), &mut high);
    check!(have > 0);
    for page in high.into_iter().flatten() {
        let page: Pages<Order<0>, _, High> = page;
        // SAFETY: It is zeroed.
        let page = unsafe { page.assume_init() };
        check!(page.map_local(task, 0, |bytes, _| bytes.iter().all(|&byte| byte == 0))?);
    }
    Ok(())
}

fn bulk_partial_success_is_visible(task: &mut TaskCx) -> Outcome {
    // More than the guest has, or at least than it has without trouble.
    let mut places = KBox::from_fn(&task, 1 << 19, |_| None)?;
    let have = alloc_bulk(task.with(GFP_NORECLAIM.nowarn()), &mut places);
    if have == places.len() {
        return Err(Stop::Skip("more memory than this test takes"));
    }
    check!(have > 0);
    check!(places[..have].iter().all(Option::is_some));
    check!(places[have..].iter().all(Option::is_none));
    Ok(())
}

fn initialising_covers_every_byte(task: &mut TaskCx) -> Outcome {
    let source = KBox::from_fn(&task, 3 * PAGE_SIZE + 5, |index| (index % 251) as u8)?;
    let like = |memory: &[u8]| {
        memory[..source.len()] == source[..] && memory[source.len()..].iter().all(|&byte| byte == 0)
    };
    // The kernel may hand out zeroes to everybody.
    let dirty = MaybeUninit::new(0xff);
    let mut pages = Pages::new_uninit(&task, Order::<2>)?;
    pages.page_address_mut().fill(dirty);
    check!(pages
        .write(&source)
        .is_ok_and(|pages| like(pages.page_address())));
    let mut memory = FreePages::new_uninit(&task, Order::<2>)?;
    memory.fill(dirty);
    check!(memory.write(&source).is_ok_and(|memory| like(&memory)));
    let mut exact = ExactPages::new_uninit(&task, source.len() + 100)?;
    exact.fill(dirty);
    check!(exact.write(&source).is_ok_and(|memory| like(&memory)));
    let mut high = Pages::new_uninit(task.with(GFP_HIGHUSER), AnyOrder::new(2)?)?;
    high.map_local_mut(task, 3, |page, _| page.fill(dirty))?;
    let high = high.write(&source).map(Pages::into_low);
    check!(high.is_ok_and(|high| high.is_ok_and(|low| like(low.page_address()))));

    let nines = |memory: &[u8]| memory.iter().all(|&byte| byte == 9);
    check!(nines(
        Pages::new_uninit(&task, Order::<1>)?
            .memset(9)
            .page_address()
    ));
    check!(nines(&FreePages::new_uninit(&task, Order::<0>)?.memset(9)));

    // Too much, and the pages come back.
    let pages = Pages::new_uninit(&task, Order::<1>)?;
    let pfn = pages.pfn();
    check!(pages.write(&source).is_err_and(|pages| pages.pfn() == pfn));
    check!(FreePages::new_uninit(&task, Order::<1>)?
        .write(&source)
        .is_err());
    Ok(())
}

/// Seen by the kernel's own functions: mapped once each, undone in the reverse order.
fn mappings_nest(task: &mut TaskCx) -> Outcome {
    let from = Pages::new_uninit(task.with(GFP_HIGHUSER), Order::<1>)?.memset(7);
    let mut to = Pages::zeroed(task.with(GFP_HIGHUSER), Order::<0>)?;
    let (a, b) = (from.pfn() + 1, to.pfn());
    let nested = [(a, false), (b, false), (b, true), (a, true)];

    let (result, events) = maps_traced(|| {
        from.map_local(task, 1, |from, task| {
            to.map_local_mut(task, 0, |to, _| to.copy_from_slice(from))
        })
    })?;
    result??;
    check!(events.eq(nested));
    check!(to.map_local(task, 0, |to, _| to.iter().all(|&byte| byte == 7))?);

    // An error within leaves none mapped, and the token within allocates.
    let (result, events) = maps_traced(|| {
        from.map_local(task, 1, |_, task| -> Result {
            to.map_local_mut(task, 0, |to, task| -> Result {
                to.fill(8);
                drop(Pages::new_uninit(&*task, Order::<0>)?);
                Err(EBUSY)
            })?
        })
    })?;
    check_eq!(result?, Err(EBUSY));
    check!(events.eq(nested));
    check!(to.map_local(task, 0, |to, _| to.iter().all(|&byte| byte == 8))?);

    // Where there is no such page none is mapped.
    let (result, events) = maps_traced(|| from.map_local(task, 2, |_, _| ()))?;
    check_eq!((result, events.count()), (Err(EINVAL), 0));
    check_eq!(to.map_local_mut(task, usize::MAX, |_, _| ()), Err(EINVAL));

    // In sections too, with the token of the section.
    check!(task.rcu_read(|_, cx| from.map_local(cx, 0, |page, _| page[0] == 7))?);
    check!(task.irqs_off(|cx| from.map_local(cx, 0, |page, _| page[0] == 7))?);
    Ok(())
}

fn mapping_reaches_every_page(task: &mut TaskCx) -> Outcome {
    let mut pages = Pages::new_uninit(task.with(GFP_HIGHUSER), AnyOrder::new(3)?)?;
    for index in 0..pages.nr_pages() {
        pages.map_local_mut(task, index, |page, _| {
            page.fill(MaybeUninit::new(index as u8))
        })?;
    }
    // SAFETY: Every byte was just written.
    let pages = unsafe { pages.assume_init() };
    for index in 0..pages.nr_pages() {
        let right = |page: &[u8], _: &mut TaskCx| {
            page.len() == PAGE_SIZE && page.iter().all(|&byte| byte == index as u8)
        };
        check!(pages.map_local(task, index, right)?);
    }
    // Filling maps each page by itself.
    let pfn = pages.pfn();
    drop(pages);
    let pages = Pages::new_uninit(task.with(GFP_HIGHUSER), Order::<1>)?;
    let first = pages.pfn();
    let (_pages, events) = maps_traced(|| pages.memset(1))?;
    check!(events.eq([
        (first, false),
        (first, true),
        (first + 1, false),
        (first + 1, true)
    ]));
    check!(pfn != 0);
    Ok(())
}

fn high_and_low(task: &mut TaskCx) -> Outcome {
    let high = Pages::zeroed(task.with(GFP_KERNEL.highmem()), Order::<2>)?;
    let pfn = high.pfn();
    match high.into_low() {
        Ok(low) => {
            check!(cfg!(not(CONFIG_HIGHMEM)) && low.pfn() == pfn);
            check!(low.page_address().iter().all(|&byte| byte == 0));
        }
        Err(high) => check!(cfg!(CONFIG_HIGHMEM) && high.pfn() == pfn),
    }
    Ok(())
}

fn address_and_struct_page_are_the_same_memory(task: &mut TaskCx) -> Outcome {
    let mut pages = Pages::zeroed(&task, Order::<1>)?;
    pages.page_address_mut()[PAGE_SIZE] = 5;
    let (pfn, address, page) = (pages.pfn(), pages.page_address().as_ptr(), pages.as_ptr());
    let (memory, trace) = pages_traced(|| FreePages::from(pages));
    check!(memory.as_ptr() == address && memory[PAGE_SIZE] == 5 && memory.as_page() == page);
    check_eq!(memory.phys() as usize, pfn * PAGE_SIZE);
    check_eq!(trace.events().count(), 0);
    let (pages, trace) = pages_traced(|| Pages::from(memory));
    check_eq!(trace.events().count(), 0);
    let ((), trace) = pages_traced(|| drop(pages));
    check_eq!((trace.frees(pfn, 1), trace.events().count()), (1, 1));
    Ok(())
}

fn raw_and_back(task: &mut TaskCx) -> Outcome {
    let (result, trace) = pages_traced(|| -> Outcome {
        let pages = Pages::zeroed(&task, Order::<2>)?.into_raw();
        // SAFETY: It is the other half of the call above.
        drop(unsafe { Pages::<_, u8, Low>::from_raw(pages, Order::<2>) });
        let memory = FreePages::zeroed(&task, Order::<2>)?.into_raw();
        // SAFETY: It is the other half of the call above.
        drop(unsafe { FreePages::<_, u8, Low>::from_raw(memory, Order::<2>) });
        let exact = ExactPages::zeroed(&task, PAGE_SIZE)?.into_raw();
        // SAFETY: It is the other half of the call above.
        drop(unsafe { ExactPages::from_raw(exact) });
        Ok(())
    });
    result?;
    check_eq!(trace.events().filter(|event| event.is_free).count(), 3);
    check_eq!(trace.events().count(), 6);
    Ok(())
}

fn kernel_crates_page_and_back(task: &mut TaskCx) -> Outcome {
    let ours = Pages::new_uninit(&task, Order::<0>)?.memset(3);
    let pfn = ours.pfn();
    let (page, trace) = pages_traced(|| Page::from(ours));
    check_eq!(trace.events().count(), 0);
    let mut bytes = [0; 4];
    // SAFETY: There is room for four bytes, and nobody writes to the page.
    unsafe { page.read_raw(bytes.as_mut_ptr(), 100, 4) }?;
    check_eq!(bytes, [3; 4]);
    let (back, trace) = pages_traced(|| Pages::try_from(page));
    check_eq!(trace.events().count(), 0);
    let Ok(back) = back else {
        return Err(Stop::Fail);
    };
    check_eq!(back.pfn(), pfn);
    let ((), trace) = pages_traced(|| drop(Page::from(back)));
    check_eq!((trace.frees(pfn, 0), trace.events().count()), (1, 1));
    Ok(())
}

/// As a page that user space maps has one.
fn page_with_another_user_is_given_back(task: &mut TaskCx) -> Outcome {
    let ours = Pages::zeroed(&task, Order::<0>)?;
    let pfn = ours.pfn();
    // SAFETY: The page is in use, and the reference is given back below.
    unsafe { c::testlib_get_page(pfn) };
    let result = Pages::try_from(Page::from(ours));
    // SAFETY: It was taken above.
    unsafe { c::testlib_put_page(pfn) };
    let Err(page) = result else {
        return Err(Stop::Fail);
    };
    check!(in_use(pfn));
    check!(Pages::try_from(page).is_ok_and(|page| page.pfn() == pfn));
    Ok(())
}

fn failure_is_an_error(task: &mut TaskCx) -> Outcome {
    type Largest = Pages<Order<10>, MaybeUninit<u8>>;
    let mut hoard = KBox::from_fn(&task, 2048, |_| None::<Largest>)?;
    let failed = hoard.iter_mut().any(|place| {
        *place = Pages::new_uninit(task.with(GFP_NORECLAIM.nowarn()), Order::<10>).ok();
        place.is_none()
    });
    if !failed {
        return Err(Stop::Skip("more memory than this test takes"));
    }
    check_eq!(
        Pages::zeroed(task.with(GFP_NORECLAIM.nowarn()), AnyOrder::new(10)?)
            .map_err(Error::from)
            .err(),
        Some(ENOMEM)
    );
    check!(FreePages::zeroed(task.with(GFP_NORECLAIM.nowarn()), Order::<10>).is_err());
    check!(ExactPages::zeroed(task.with(GFP_NORECLAIM.nowarn()), MAX_SIZE).is_err());
    check!(ExactPages::zeroed(
        task.with(GFP_NORECLAIM.nowarn()).on(Node::local()),
        MAX_SIZE
    )
    .is_err());
    drop(hoard);
    check!(FreePages::zeroed(task.with(GFP_NORECLAIM.nowarn()), Order::<10>).is_ok());
    Ok(())
}

fn nofail_is_infallible(task: &mut TaskCx) -> Outcome {
    let Ok(page) = Pages::zeroed(task.with(GFP_KERNEL.nofail()), Order::<0>);
    let Ok(two) = FreePages::new_uninit(task.with(GFP_NOIO.nofail().comp()), Order::<1>);
    check_eq!((page.size(), two.len()), (PAGE_SIZE, 2 * PAGE_SIZE));
    Ok(())
}

/// As many pages are free after the second time as after the first.
fn nothing_leaks(task: &mut TaskCx) -> Outcome {
    let rounds = |task: &TaskCx| -> Result<usize, Stop> {
        for _ in 0..2000 {
            drop(Pages::new_uninit(task, Order::<4>)?);
            drop(FreePages::new_uninit(task, Order::<3>)?);
            drop(ExactPages::new_uninit(task, 11 * PAGE_SIZE)?);
            drop(Pages::new_uninit(task, Order::<3>)?.split());
            let mut bulk = [const { None }; 8];
            if alloc_bulk(task, &mut bulk) == 0 {
                return Err(Stop::Fail);
            }
        }
        // SAFETY: It has no preconditions.
        Ok(unsafe { c::testlib_free_pages() })
    };
    let before = rounds(task)?;
    let lost = before.saturating_sub(rounds(task)?);
    pr_info!("# {} pages fewer are free\n", lost);
    // One page a round.
    check!(lost < 2000);
    Ok(())
}
