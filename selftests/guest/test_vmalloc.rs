// SPDX-License-Identifier: GPL-2.0

//! Boxes of vmalloc and kvmalloc: where the memory is, what the kernel was asked for, contexts,
//! sizes, and when it is freed.

use core::{
    mem::{align_of, size_of},
    sync::atomic::{AtomicUsize, Ordering},
};
use kalloc::{kmalloc, kvmalloc::KVmalloc, prelude::*, vmalloc::Vmalloc};
use kernel::{
    alloc::{KVBox as KernelKVBox, VBox as KernelVBox},
    new_spinlock,
    page::PAGE_SIZE,
    time::{delay::fsleep, Delta},
};
use testlib::{c, check, check_eq, refused, traced, Counted, Outcome, Stop};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_vmalloc":
    boxes_have_the_size_they_promise,
    memory_is_of_the_allocator,
    kvmalloc_goes_both_ways,
    zeroed_memory_is_zero,
    alignment,
    flags_reach_the_kernel,
    node_reaches_the_kernel,
    sizes_up_to_what_there_is,
    more_than_there_is_is_an_error,
    lengths_that_overflow_are_errors,
    nothing_takes_no_memory,
    nonblocking_with_a_lock_held,
    scopes,
    value_comes_back_when_memory_is_short,
    what_is_refused_comes_back,
    realloc_keeps_contents,
    realloc_moves_between_both_ways,
    resize_drops_and_fills,
    free_is_at_once,
    drop_is_later,
    drop_in_each_context,
    drop_runs_once,
    sensitive_memory_is_overwritten,
    boxes_become_kvboxes,
    boxes_convert_without_a_copy,
    pinned_initialisers,
    nofail_is_infallible,
}

/// More than kmalloc can give.
const LARGE: usize = kmalloc::MAX_SIZE + PAGE_SIZE;

fn is_vmalloc<T: ?Sized>(memory: &T) -> bool {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_is_vmalloc((&raw const *memory).cast()) }
}

/// Whether there is memory at an address of vmalloc.
fn mapped<T: ?Sized>(memory: *const T) -> bool {
    // SAFETY: It is an address of vmalloc.
    unsafe { c::testlib_vmalloc_mapped(memory.cast()) }
}

/// Whether the memory is soon gone.
fn is_freed<T: ?Sized>(memory: *const T) -> bool {
    (0..100).any(|_| {
        if mapped(memory) {
            fsleep(Delta::from_millis(10));
        }
        !mapped(memory)
    })
}

fn aligned<T: ?Sized>(memory: &T, align: usize) -> bool {
    (&raw const *memory).cast::<u8>().addr() % align == 0
}

fn ram() -> usize {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_totalram_pages() as usize * PAGE_SIZE }
}

fn boxes_have_the_size_they_promise(_task: &mut TaskCx) -> Outcome {
    check_eq!(size_of::<VBox<[u8; LARGE]>>(), 8);
    check_eq!(size_of::<Option<KVBox<u32>>>(), 8);
    check_eq!(size_of::<VBox<[u32]>>(), 16);
    Ok(())
}

fn memory_is_of_the_allocator(task: &mut TaskCx) -> Outcome {
    check!(!is_vmalloc(&*KBox::new(&task, 1u8)?));
    let small = VBox::new(&task, 7u8)?;
    check!(is_vmalloc(&*small) && *small == 7);
    let mut large = VBox::<[u8; LARGE]>::zeroed(&task)?;
    check!(is_vmalloc(&*large));
    for place in (0..LARGE).step_by(PAGE_SIZE) {
        large[place] = place as u8;
    }
    check!((0..LARGE)
        .step_by(PAGE_SIZE)
        .all(|place| large[place] == place as u8));
    check!(is_vmalloc(&*VBox::from_fn(&task, 3, |i| i)?));
    check_eq!(&*VBox::from_slice(&task, &[1, 2, 3])?, &[1, 2, 3]);
    Ok(())
}

fn kvmalloc_goes_both_ways(task: &mut TaskCx) -> Outcome {
    for size in [1, 64, PAGE_SIZE, 4 * PAGE_SIZE] {
        check!(!is_vmalloc(&*KVBox::<[u8]>::zeroed_slice(&task, size)?));
    }
    for size in [LARGE, 3 * kmalloc::MAX_SIZE] {
        let mut memory = KVBox::<[u8]>::zeroed_slice(&task, size)?;
        memory[size - 1] = 1;
        check!(is_vmalloc(&*memory));
    }
    check!(!is_vmalloc(&*KVBox::<[u8; PAGE_SIZE]>::zeroed(&task)?));
    check!(is_vmalloc(&*KVBox::<[u8; LARGE]>::zeroed(&task)?));
    Ok(())
}

fn zeroed_memory_is_zero(task: &mut TaskCx) -> Outcome {
    fn zero(memory: &[u8]) -> bool {
        memory.iter().all(|&byte| byte == 0)
    }
    const SIZE: usize = 16 * PAGE_SIZE;

    for _ in 0..8 {
        // Fill the same pages first, so that zeroes are not there by luck.
        let dirty = VBox::from_fn(&task, SIZE, |_| 0xa5u8)?;
        check!(dirty.iter().all(|&byte| byte == 0xa5));
        dirty.free(task);
        check!(zero(&*VBox::<[u8; SIZE]>::zeroed(&task)?));
        check!(zero(&VBox::<[u8]>::zeroed_slice(&task, SIZE)?));
        check!(zero(&KVBox::<[u8]>::zeroed_slice(&task, SIZE)?));
        check!(zero(&KVBox::<[u8]>::zeroed_slice(&task, LARGE)?));
        check!(zero(&VBox::<[u8]>::zeroed_slice(
            task.with(GFP_KERNEL).on(Node::local()),
            SIZE
        )?));
        check!(zero(&VBox::<[u8]>::zeroed_slice_nonblocking(
            task.with(GFP_NOWAIT),
            SIZE
        )?));
        check!(zero(&*KVBox::<[u8; SIZE]>::zeroed_nonblocking(
            task.with(GFP_ATOMIC)
        )?));
    }
    Ok(())
}

fn alignment(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($align:literal)*) => {$({
            #[repr(align($align))]
            struct Aligned(#[allow(dead_code)] [u8; $align]);
            check!(aligned(&*VBox::<Aligned>::new_uninit(&task)?, align_of::<Aligned>()));
            check!(aligned(&*VBox::<[Aligned]>::new_uninit_slice(&task, 3)?, align_of::<Aligned>()));
            check!(aligned(
                &*VBox::<[Aligned]>::new_uninit_slice(task.on(Node::local()), 3)?,
                align_of::<Aligned>()
            ));
            check!(aligned(&*KVBox::<Aligned>::new_uninit(&task)?, align_of::<Aligned>()));
            // By kmalloc, and by vmalloc.
            check!(aligned(&*KVBox::<[Aligned]>::new_uninit_slice(&task, 3)?, align_of::<Aligned>()));
            let large = KVBox::<[Aligned]>::new_uninit_slice(&task, LARGE / $align + 1)?;
            check!(aligned(&*large, align_of::<Aligned>()) && is_vmalloc(&*large));
            let larger = large.realloc(&task, LARGE / $align + 4096)?;
            check!(aligned(&*larger, align_of::<Aligned>()) && is_vmalloc(&*larger));
            // Not by luck.
            let others = [&task; 5].map(|task| VBox::<Aligned>::new_uninit(task));
            for memory in others {
                check!(aligned(&*memory?, align_of::<Aligned>()));
            }
        })*};
    }
    let task = &*task;
    each!(1 64 4096 8192 16384 65536);
    // A page is what vmalloc gives anyhow.
    check!(aligned(&*VBox::new(task, 1u8)?, PAGE_SIZE));
    Ok(())
}

/// What vmalloc passes on to kmalloc, for the array of its pages.
fn passed_on<T: ?Sized, A: kalloc::allocator::Allocator, E>(
    pages: usize,
    f: impl FnOnce() -> Result<Box<T, A>, E>,
) -> Result<(u32, i32), Stop> {
    let (memory, trace) = traced(f);
    check!(memory.is_ok_and(|memory| is_vmalloc(&*memory)));
    trace
        .events()
        .find(|event| !event.is_free && event.size == pages * size_of::<usize>())
        .map(|event| (event.gfp, event.node))
        .ok_or(Stop::Fail)
}

/// All of these flags are among those that vmalloc passes on.
fn flags_reach_the_kernel(task: &mut TaskCx) -> Outcome {
    const PAGES: usize = 96;
    const SIZE: usize = PAGES * PAGE_SIZE;
    macro_rules! each {
        ($($method:ident: $($flags:expr),*;)*) => {$($({
            fn bits<F: Gfp>(_: F) -> u32 {
                F::BITS
            }
            let (gfp, _) = passed_on(PAGES, || {
                VBox::<[u8]>::$method(task.with($flags), SIZE)
            })?;
            check_eq!(gfp, bits($flags.zeroed()));
        })*)*};
    }
    each! {
        new_uninit_slice: GfpKernel, GfpNoFs, GfpNoIo, GFP_KERNEL.noretry(), GFP_KERNEL.retry_mayfail(), GFP_KERNEL.nowarn();
        zeroed_slice: GfpKernel, GfpNoFs, GFP_NOIO.nowarn();
        new_uninit_slice_nonblocking: GfpAtomic, GfpNowait, GfpNoReclaim, GFP_NORECLAIM.nowarn();
        zeroed_slice_nonblocking: GfpAtomic, GfpNowait;
    }
    let kernel = (GFP_KERNEL.zeroed(), -1);
    fn same<F: Gfp>((gfp, node): (u32, i32), (_, expected): (F, i32)) -> bool {
        gfp == F::BITS && node == expected
    }
    // The default flags have functions of their own.
    check!(same(
        passed_on(PAGES, || VBox::<[u8; SIZE]>::new_uninit(&task))?,
        kernel
    ));
    check!(same(
        passed_on(PAGES, || VBox::<[u8; SIZE]>::zeroed(&task))?,
        kernel
    ));
    let fixed = passed_on(PAGES, || {
        VBox::<[u8; SIZE]>::zeroed(task.with(GFP_KERNEL.nofail()))
    })?;
    check!(same(fixed, (GFP_KERNEL.nofail().zeroed(), -1)));
    // vmalloc wants more than a page for the array of pages: it sees the flags again.
    const MANY: usize = LARGE / PAGE_SIZE + 1;
    let (memory, trace) =
        traced(|| KVBox::<[u8]>::new_uninit_slice(task.with(GFP_NOFS), MANY * PAGE_SIZE));
    check!(is_vmalloc(&*memory?));
    let bits = GfpNoFs::BITS;
    check!(trace
        .events()
        .any(|event| event.gfp & GfpKernel::BITS == bits && !event.is_free));
    check!(!trace
        .events()
        .any(|event| event.gfp & GfpKernel::BITS == GfpKernel::BITS && !event.is_free));
    Ok(())
}

fn node_reaches_the_kernel(task: &mut TaskCx) -> Outcome {
    const PAGES: usize = 96;
    const SIZE: usize = PAGES * PAGE_SIZE;
    let node = Node::local();

    macro_rules! each {
        ($($method:ident($($flags:expr),*);)*) => {$($({
            let grant = task.with($flags).on(node);
            let (_, seen) = passed_on(PAGES, || VBox::<[u8]>::$method(grant, SIZE))?;
            check_eq!(seen, node.id());
            let memory = VBox::<[u8]>::$method(grant, SIZE)?;
            // SAFETY: It is memory of vmalloc.
            check_eq!(unsafe { c::testlib_vmalloc_node((&raw const *memory).cast()) }, node.id());
        })*)*};
    }
    each! {
        new_uninit_slice(GfpKernel, GfpNoFs);
        zeroed_slice(GfpKernel, GFP_KERNEL.nowarn());
        zeroed_slice_nonblocking(GfpAtomic);
    }
    let large = KVBox::<[u8; LARGE]>::zeroed(task.on(node))?;
    // SAFETY: It is memory of vmalloc.
    let nid = unsafe { c::testlib_vmalloc_node((&raw const *large).cast()) };
    check_eq!(nid, node.id());
    Ok(())
}

fn sizes_up_to_what_there_is(task: &mut TaskCx) -> Outcome {
    for size in [1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, LARGE, 4 * LARGE] {
        let mut memory = VBox::<[u8]>::zeroed_slice(&task, size)?;
        memory[size - 1] = 1;
        let mut memory = KVBox::<[u8]>::zeroed_slice(&task, size)?;
        memory[size - 1] = 1;
    }
    Ok(())
}

/// Errors that never reach the kernel, which would warn.
fn more_than_there_is_is_an_error(task: &mut TaskCx) -> Outcome {
    for size in [
        ram() + PAGE_SIZE,
        i32::MAX as usize,
        i32::MAX as usize + 1,
        1 << 40,
        isize::MAX as usize - PAGE_SIZE,
        isize::MAX as usize,
    ] {
        if size <= ram() {
            continue;
        }
        check!(VBox::<[u8]>::new_uninit_slice(&task, size).is_err());
        check!(VBox::<[u8]>::zeroed_slice(task.on(Node::local()), size).is_err());
        check!(VBox::<[u8]>::zeroed_slice_nonblocking(task.with(GFP_ATOMIC), size).is_err());
        check!(KVBox::<[u8]>::new_uninit_slice(&task, size).is_err());
        check!(KVBox::<[u8]>::zeroed_slice_nonblocking(task.with(GFP_ATOMIC), size).is_err());
        check!(VBox::from_slice(&task, &[1u8; 8])?
            .resize(&task, size, 0)
            .is_err());
        let old = KVBox::from_slice(&task, &[1u8; 8])?.resize(&task, size, 0);
        check!(old.is_err_and(|failed| *failed.value == [1; 8]));
    }
    // kvmalloc has an end before that of RAM.
    check!(KVBox::<[u8]>::new_uninit_slice(&task, i32::MAX as usize + 1).is_err());
    check_eq!(
        <KVmalloc as kalloc::allocator::Allocator>::MAX_SIZE,
        i32::MAX as usize
    );
    check_eq!(
        <Vmalloc as kalloc::allocator::Allocator>::MAX_SIZE,
        isize::MAX as usize
    );
    Ok(())
}

fn lengths_that_overflow_are_errors(task: &mut TaskCx) -> Outcome {
    for len in [usize::MAX, usize::MAX / 8 + 1, usize::MAX / 16] {
        check!(VBox::<[u64]>::new_uninit_slice(&task, len).is_err());
        check!(VBox::<[u64]>::zeroed_slice(&task, len).is_err());
        check!(KVBox::<[u64]>::new_uninit_slice(&task, len).is_err());
        check!(KVBox::from_fn(&task, len, |i| i).is_err());
        check!(VBox::<[u64]>::zeroed_slice_nonblocking(task.with(GFP_NOWAIT), len).is_err());
    }
    Ok(())
}

/// For vmalloc a size of 0 is a warning.
fn nothing_takes_no_memory(task: &mut TaskCx) -> Outcome {
    #[repr(align(8192))]
    struct Nothing;

    let (result, trace) = traced(|| -> Outcome {
        check!(aligned(&*VBox::new(&task, Nothing)?, 8192));
        check!(aligned(
            &*KVBox::new_nonblocking(&task.as_atomic(), Nothing)?,
            8192
        ));
        check!(VBox::<[u64]>::zeroed_slice(&task, 0)?.is_empty());
        check!(KVBox::<[u64]>::from_slice(&task, &[])?.is_empty());
        check!(VBox::<[u64]>::empty().resize(&task, 0, 1)?.is_empty());
        VBox::<[u64]>::empty().free(task);
        KVBox::<[u64]>::empty().free_sensitive(task);
        check!(KVBox::from(VBox::<[u64]>::empty()).is_empty());
        Ok(())
    });
    result?;
    check_eq!(trace.events().count(), 0);
    let gone = VBox::from_slice(&task, &[1u8; 100])?;
    let address = gone.as_ptr();
    check!(gone.resize(&task, 0, 0)?.is_empty());
    check!(is_freed(address));
    Ok(())
}

fn nonblocking_with_a_lock_held(task: &mut TaskCx) -> Outcome {
    const SIZE: usize = 64 * PAGE_SIZE;
    let lock = KBox::pin_init(&task, new_spinlock!(None))?;
    task.locked(&lock, |place, cx| -> Outcome {
        let mut memory = VBox::<[u8; SIZE]>::zeroed_nonblocking(&cx)?;
        memory[SIZE - 1] = 1;
        *place = Some(memory);
        check!(is_vmalloc(&*VBox::new_nonblocking(
            cx.with(GFP_NOWAIT),
            7u32
        )?));
        check!(is_vmalloc(&*VBox::<u64>::new_uninit_nonblocking(
            cx.with(GFP_NORECLAIM)
        )?));
        let slice = KVBox::<[u8]>::zeroed_slice_nonblocking(&cx, LARGE)?;
        check!(is_vmalloc(&*slice) && slice[LARGE - 1] == 0);
        check!(!is_vmalloc(&*KVBox::new_nonblocking(&cx, 7u32)?));
        check!(VBox::<[u8]>::new_uninit_slice_nonblocking(&cx, SIZE).is_ok());
        Ok(())
    })?;
    check!(task.locked(&lock, |place, _| place
        .take()
        .is_some_and(|memory| memory[SIZE - 1] == 1)));
    task.rcu_read(|_, cx| -> Outcome {
        check!(is_vmalloc(&*VBox::new_nonblocking(&cx, 7u32)?));
        Ok(())
    })
}

fn scopes(task: &mut TaskCx) -> Outcome {
    task.nofs(|cx| -> Outcome {
        let memory = VBox::<[u8; LARGE]>::zeroed(&cx)?;
        check!(is_vmalloc(&*memory));
        memory.free(cx);
        cx.noio(|cx| -> Outcome {
            let memory = KVBox::<[u8; LARGE]>::zeroed(&cx)?;
            check!(is_vmalloc(&*memory));
            memory.free(cx);
            Ok(())
        })
    })?;
    // A helper that asks for sleep alone.
    fn helper<C: MaySleep>(cx: &C) -> Result<VBox<u32>> {
        let grown = KVBox::from_slice(cx, &[1u8])?.resize(cx, 2, 0)?;
        grown.free(cx);
        Ok(VBox::new(cx, 7)?)
    }
    check_eq!(*helper(task)?, 7);
    check_eq!(task.nofs(|cx| helper(cx).map(|memory| *memory))?, 7);
    Ok(())
}

/// Fills memory, on a kernel without fault injection, with flags that do not reclaim.
fn value_comes_back_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    struct Link {
        next: Option<VBox<Link>>,
        body: [u8; 1000],
    }

    fn link(next: Option<VBox<Link>>) -> Link {
        Link {
            next,
            body: [7; 1000],
        }
    }
    // One at least, also where the hoard leaves less than a page.
    let mut list = Some(VBox::new(&task, link(None))?);
    let mut hoard = KBox::from_fn(&task, 1024, |_| None)?;
    for place in hoard.iter_mut() {
        *place = KBox::<[u8; 1 << 20]>::new_uninit(task.with(GFP_NORECLAIM.nowarn())).ok();
        if place.is_none() {
            break;
        }
    }
    if hoard.iter().all(|place| place.is_some()) {
        return Err(Stop::Skip("more memory than this test takes"));
    }
    let back = loop {
        match VBox::new_nonblocking(task.with(GFP_NORECLAIM.nowarn()), link(list.take())) {
            Ok(link) => list = Some(link),
            Err(failed) => break failed.value,
        }
    };
    drop(hoard);
    let mut len = 0;
    let mut next = back.next;
    while let Some(link) = next {
        len += usize::from(link.body == [7; 1000]);
        next = link.into_inner().next;
    }
    check!(back.body == [7; 1000] && len > 0);
    check!(VBox::<[u8; 1000]>::zeroed(&task).is_ok());
    Ok(())
}

/// The value, and the slice that does not grow, as they were: from each function of the kernel.
fn what_is_refused_comes_back(task: &mut TaskCx) -> Outcome {
    macro_rules! values {
        ($($function:expr => $make:expr;)*) => {$({
            let value = KBox::new(&task, 7u64)?;
            let Err(failed) = refused($function, || ($make)(value))? else {
                return Err(Stop::Fail);
            };
            check_eq!(*failed.value, 7);
        })*};
    }
    let node = Node::local();
    values! {
        c"vmalloc_noprof" => |value| VBox::new(&task, value);
        c"vmalloc_node_noprof" => |value| VBox::new(task.with(GFP_KERNEL).on(node), value);
        c"__vmalloc_noprof" => |value| VBox::new(task.with(GFP_KERNEL.nowarn()), value);
        c"__kvmalloc_node_noprof" => |value| KVBox::new(&task, value);
    }
    macro_rules! slices {
        ($($function:expr => $kind:ident, $len:expr, $more:expr;)*) => {$({
            let slice = $kind::<[u64]>::from_fn(&task, $len, |i| i as u64)?;
            let address = slice.as_ptr();
            let Err(failed) = refused($function, || slice.resize(&task, $more, 7))? else {
                return Err(Stop::Fail);
            };
            let slice = failed.value;
            check!(slice.as_ptr() == address && slice.len() == $len);
            check!(slice.iter().copied().eq(0..$len as u64));
            check_eq!(slice.resize(&task, $more, 7)?[$more - 1], 7);
        })*};
    }
    slices! {
        c"vrealloc_node_align_noprof" => VBox, 1000, 20_000;
        c"kvrealloc_node_align_noprof" => KVBox, 10, 200;
        c"kvrealloc_node_align_noprof" => KVBox, LARGE / 8, LARGE / 4;
    }
    Ok(())
}

fn realloc_keeps_contents(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($kind:ident)*) => {$({
            let mut data = $kind::from_fn(&task, 1, |i| i)?;
            for len in [2, 3, 500, 512, 513, 5000, 70_000, 800_000, 5000, 100_000, 17, 3, 1] {
                let kept = data.len().min(len);
                data = data.resize(&task, len, usize::MAX)?;
                check_eq!(data.len(), len);
                check!(data[..kept].iter().enumerate().all(|(i, &value)| value == i));
                check!(data[kept..].iter().all(|&value| value == usize::MAX));
                for (i, value) in data.iter_mut().enumerate() {
                    *value = i;
                }
            }
        })*};
    }
    each!(VBox KVBox);
    Ok(())
}

fn realloc_moves_between_both_ways(task: &mut TaskCx) -> Outcome {
    let small = KVBox::from_fn(&task, 64, |i| i as u8)?;
    let address = small.as_ptr();
    check!(!is_vmalloc(&*small));
    let (large, trace) = traced(|| small.resize(&task, LARGE, 0xff));
    let large = large?;
    check!(is_vmalloc(&*large) && large[LARGE - 1] == 0xff);
    check!(large[..64]
        .iter()
        .enumerate()
        .all(|(i, &byte)| byte == i as u8));
    check_eq!(trace.frees(address), 1);
    Ok(())
}

fn resize_drops_and_fills(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let data = VBox::from_fn(&task, 10, |_| Counted(&drops))?;
    let data = data.resize(&task, 4, Counted(&drops))?;
    check_eq!(drops.load(Ordering::Relaxed), 6 + 1);
    let data = data.resize(&task, 2000, Counted(&drops))?;
    check_eq!(drops.load(Ordering::Relaxed), 6 + 1 + 1);
    data.free(task);
    check_eq!(drops.load(Ordering::Relaxed), 6 + 1 + 1 + 2000);
    Ok(())
}

fn free_is_at_once(task: &mut TaskCx) -> Outcome {
    let memory = VBox::<[u8; LARGE]>::zeroed(&task)?;
    let address = &raw const *memory;
    check!(mapped(address));
    check!(!testlib::run_first(|| {
        memory.free(task);
        mapped(address)
    }));

    let memory = KVBox::<[u8; LARGE]>::zeroed(&task)?;
    let address = &raw const *memory;
    check!(mapped(address));
    check!(!testlib::run_first(|| {
        memory.free(task);
        mapped(address)
    }));

    let small = KVBox::new(&task, 1u64)?;
    let address = &raw const *small;
    let ((), trace) = traced(|| small.free(task));
    check_eq!(trace.frees(address), 1);
    let small = KBox::new(&task, 1u64)?;
    let address = &raw const *small;
    let ((), trace) = traced(|| small.free(task));
    check_eq!(trace.frees(address), 1);
    Ok(())
}

/// A drop hands the memory to a work item, which cannot run where the CPU is not given up.
fn drop_is_later(task: &mut TaskCx) -> Outcome {
    let memory = VBox::<[u8; LARGE]>::zeroed(&task)?;
    let address = &raw const *memory;
    let kept = task.preempt_off(|_| {
        drop(memory);
        mapped(address)
    });
    check!(kept);
    check!(is_freed(address));
    Ok(())
}

fn drop_in_each_context(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($kind:ident in $place:ident($($argument:expr)?, |$($ignored:tt),*|);)*) => {$({
            let memory = $kind::<[u8; LARGE]>::zeroed(&task)?;
            let address = &raw const *memory;
            task.$place($($argument,)? |$($ignored),*| drop(memory));
            check!(is_freed(address));
        })*};
    }
    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    each! {
        VBox in locked(&lock, |_, _|);
        KVBox in locked(&lock, |_, _|);
        VBox in rcu_read(, |_, _|);
        KVBox in rcu_read(, |_, _|);
        VBox in nofs(, |_|);
        KVBox in noio(, |_|);
        VBox in irqs_off(, |_|);
        KVBox in irqs_off(, |_|);
        VBox in preempt_off(, |_|);
        KVBox in preempt_off(, |_|);
    }
    let memory = (
        VBox::<[u8; LARGE]>::zeroed(&task)?,
        KVBox::<[u8; LARGE]>::zeroed(&task)?,
    );
    let addresses = (&raw const *memory.0, &raw const *memory.1);
    drop(memory);
    check!(is_freed(addresses.0) && is_freed(addresses.1));

    // Where kvmalloc has given memory of kmalloc it goes back at once.
    let small = KVBox::new(&task, 1u64)?;
    let address = &raw const *small;
    let ((), trace) = traced(|| task.locked(&lock, |_, _| drop(small)));
    check_eq!(trace.frees(address), 1);
    Ok(())
}

fn drop_runs_once(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let count = || drops.swap(0, Ordering::Relaxed);

    drop(VBox::new(&task, Counted(&drops))?);
    check_eq!(count(), 1);
    VBox::new(&task, Counted(&drops))?.free(task);
    check_eq!(count(), 1);
    KVBox::new(&task, Counted(&drops))?.free_sensitive(task);
    check_eq!(count(), 1);
    drop(KVBox::new(&task, Counted(&drops))?.into_inner());
    check_eq!(count(), 1);
    drop(KVBox::from(VBox::new(&task, Counted(&drops))?));
    check_eq!(count(), 1);
    drop(VBox::from_fn(&task, 5, |_| Counted(&drops))?);
    check_eq!(count(), 5);
    drop(KVBox::<Counted<'_>>::new_uninit(&task)?);
    check_eq!(count(), 0);
    Ok(())
}

fn sensitive_memory_is_overwritten(task: &mut TaskCx) -> Outcome {
    let key = KVBox::from_fn(&task, 64, |_| 0x5au8)?;
    let address = key.as_ptr();
    let ((), trace) = traced(|| key.free_sensitive(task));
    check_eq!(trace.frees(address), 1);
    check!(!testlib::freed_memory_begins_with(address, 0x5a));
    // The room that a vector had to spare is overwritten as well, where the kernel knows it.
    let mut keys = KVVec::from_elem(&task, 0x5au8, 64)?;
    keys.clear();
    keys.push(&task, 0)?;
    let keys = keys.into_boxed_slice();
    let address = keys.as_ptr();
    check!(keys.len() == 1);
    keys.free_sensitive(task);
    check!(!testlib::freed_memory_begins_with(address, 0x5a));
    let large = KVBox::from_fn(&task, LARGE, |_| 0x5au8)?;
    let address = large.as_ptr();
    large.free_sensitive(task);
    check!(!mapped(address));
    Ok(())
}

fn boxes_become_kvboxes(task: &mut TaskCx) -> Outcome {
    let memory = VBox::<[u8]>::zeroed_slice(&task, 100)?;
    let address = memory.as_ptr();
    let memory = KVBox::from(memory);
    check_eq!(memory.as_ptr(), address);
    let memory = memory.resize(&task, LARGE, 1)?;
    check!(is_vmalloc(&*memory) && memory[99] == 0 && memory[100] == 1);

    let memory = KBox::<[u8]>::zeroed_slice(&task, 100)?;
    let address = memory.as_ptr();
    let memory = KVBox::from(memory);
    check!(memory.as_ptr() == address && !is_vmalloc(&*memory));
    let memory = memory.resize(&task, LARGE, 1)?;
    check!(is_vmalloc(&*memory) && memory[99] == 0 && memory[100] == 1);
    Ok(())
}

fn boxes_convert_without_a_copy(task: &mut TaskCx) -> Outcome {
    let ours = VBox::new(&task, 7u64)?;
    let address = &raw const *ours;
    let theirs = KernelVBox::from(ours);
    check!(core::ptr::eq(&*theirs, address) && *theirs == 7);
    let ours = VBox::from(theirs);
    check!(core::ptr::eq(&*ours, address) && *ours == 7);
    drop(KernelVBox::from(ours));
    check!(is_freed(address));

    let small = KVBox::new(&task, [7u8; 64])?;
    let address = &raw const *small;
    let theirs = KernelKVBox::from(small);
    check!(core::ptr::eq(&*theirs, address) && *theirs == [7; 64]);
    let ((), trace) = traced(|| drop(theirs));
    check_eq!(trace.frees(address), 1);
    let large = KVBox::<[u8; LARGE]>::zeroed(&task)?;
    let address = &raw const *large;
    drop(KernelKVBox::from(large));
    check!(is_freed(address));

    use kernel::types::ForeignOwnable;
    let foreign = VBox::new(&task, 7u64)?.into_foreign();
    // SAFETY: It comes from `into_foreign`, and is used for the last time.
    let back = unsafe { <VBox<u64> as ForeignOwnable>::from_foreign(foreign) };
    check_eq!(*back, 7);
    Ok(())
}

fn pinned_initialisers(task: &mut TaskCx) -> Outcome {
    use kernel::sync::SpinLock;

    #[pin_data]
    struct Pinned {
        #[pin]
        lock: SpinLock<u32>,
        table: [u64; 64],
    }
    let init = || {
        pin_init!(Pinned {
            lock <- new_spinlock!(2),
            table: [1; 64],
        })
    };
    let pinned = VBox::pin_init(&task, init())?;
    check!(is_vmalloc(&*pinned) && pinned.table[63] == 1);
    check_eq!(task.locked(&pinned.lock, |value, _| *value), 2);
    let Ok(pinned) = KVBox::<Pinned>::new_uninit(&task)?.write_pin_init(init());
    check_eq!(pinned.table[0], 1);
    check_eq!(
        VBox::<u64>::try_init(&task, Err::<u64, Error>(EBUSY)).err(),
        Some(EBUSY)
    );
    Ok(())
}

fn nofail_is_infallible(task: &mut TaskCx) -> Outcome {
    let Ok(small) = KVBox::new(task.with(GFP_KERNEL.nofail()), 7u32);
    let Ok(large) = KVBox::<[u8; kmalloc::MAX_SIZE]>::zeroed(task.with(GFP_KERNEL.nofail()));
    let Ok(mapped) = VBox::<[u8; kmalloc::MAX_SIZE]>::zeroed(task.with(GFP_NOFS.nofail()));
    check!(*small == 7 && large.iter().all(|&byte| byte == 0) && *mapped == *large);
    check!(is_vmalloc(&*mapped));
    Ok(())
}
