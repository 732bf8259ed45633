// SPDX-License-Identifier: GPL-2.0

//! Slab caches: what the kernel is asked for, who keeps a cache, and what comes back how.

use core::{
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};
use kalloc::{kmem_cache, pooled::PoolRef, prelude::*, slab::*, usercopy};
use kernel::{
    new_spinlock,
    sync::{
        atomic::{Atomic as AtomicCell, Relaxed},
        Arc, SetOnce, SpinLock,
    },
    workqueue::{self, impl_has_work, new_work, Work, WorkItem},
};
use testlib::{
    all_large_memory, asks_for, c, check, check_eq, check_in_each_atomic_context, traced, Counted,
    DropOrder, Outcome,
};

#[path = "../lib/testlib.rs"]
mod testlib;

struct Tests;

impl kalloc::Module for Tests {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        testlib::run(
            task,
            &[
                (
                    "boxes_have_the_size_they_promise",
                    boxes_have_the_size_they_promise,
                ),
                ("kernel_sees_what_was_asked", kernel_sees_what_was_asked),
                (
                    "kmem_cache_names_it_after_the_struct",
                    kmem_cache_names_it_after_the_struct,
                ),
                (
                    "similar_caches_are_one_unless_asked",
                    similar_caches_are_one_unless_asked,
                ),
                (
                    "usercopy_window_is_of_the_field",
                    usercopy_window_is_of_the_field,
                ),
                ("wrong_names_are_errors", wrong_names_are_errors),
                (
                    "tracepoint_sees_flags_and_node",
                    tracepoint_sees_flags_and_node,
                ),
                ("objects_are_aligned", objects_are_aligned),
                ("zeroed_memory_is_zero", zeroed_memory_is_zero),
                ("objects_of_a_zone", objects_of_a_zone),
                (
                    "value_comes_back_when_memory_is_short",
                    value_comes_back_when_memory_is_short,
                ),
                (
                    "constructed_objects_when_memory_is_short",
                    constructed_objects_when_memory_is_short,
                ),
                (
                    "creation_that_fails_frees_all",
                    creation_that_fails_frees_all,
                ),
                ("nofail_is_infallible", nofail_is_infallible),
                (
                    "object_is_dropped_and_freed_once",
                    object_is_dropped_and_freed_once,
                ),
                ("memory_is_reused_by_take", memory_is_reused_by_take),
                ("pinned_initialisers", pinned_initialisers),
                ("use_and_drop_in_each_context", use_and_drop_in_each_context),
                ("made_in_each_atomic_context", made_in_each_atomic_context),
                ("arc_keeps_the_cache", arc_keeps_the_cache),
                (
                    "caches_where_nothing_is_reclaimed",
                    caches_where_nothing_is_reclaimed,
                ),
                (
                    "cache_dropped_in_atomic_context",
                    cache_dropped_in_atomic_context,
                ),
                ("cache_of_the_module", cache_of_the_module),
                ("destroy_is_at_once", destroy_is_at_once),
                ("name_is_free_after_a_drop", name_is_free_after_a_drop),
                ("shrink_gives_all_back", shrink_gives_all_back),
                ("bulk_is_one_owner", bulk_is_one_owner),
                (
                    "bulk_dropped_with_interrupts_off",
                    bulk_dropped_with_interrupts_off,
                ),
                ("bulk_is_all_or_nothing", bulk_is_all_or_nothing),
                (
                    "constructor_runs_once_an_object",
                    constructor_runs_once_an_object,
                ),
                ("objects_go_back_constructed", objects_go_back_constructed),
                ("rcu_lookup_gets_and_checks", rcu_lookup_gets_and_checks),
                ("rcu_lookup_looks_again", rcu_lookup_looks_again),
                ("rcu_cell_of_another_cache", rcu_cell_of_another_cache),
                (
                    "rcu_readers_never_see_a_wrong_object",
                    rcu_readers_never_see_a_wrong_object,
                ),
            ],
        )?;
        Ok(Tests)
    }
}

kalloc::module! {
    type: Tests,
    pools: {
        /// What `cache_of_the_module` tests.
        static Numbers: Cache<u64> = Args::new(c"kalloc_test_numbers").no_merge();
        static Links: Cache<Link> = Args::new(c"kalloc_test_links");
        static Sessions: RcuCache<Session> = Args::new(c"kalloc_test_sessions");
    },
    name: "test_slab",
    authors: ["The kalloc authors"],
    description: "kalloc tests",
    license: "GPL",
}

/// What the kernel says of a cache, or a negative error.
fn attribute(cache: &CStr, attribute: &CStr) -> isize {
    use kernel::str::CStrExt as _;
    // SAFETY: Both are strings.
    unsafe { c::testlib_slab_attribute(cache.as_char_ptr(), attribute.as_char_ptr()) }
}

/// Whether the kernel has a cache of that name.
fn exists(cache: &CStr) -> bool {
    attribute(cache, c"object_size") > 0
}

fn aligned<T>(ptr: &T, align: usize) -> bool {
    (&raw const *ptr).addr() % align == 0
}

/// A cache of its own, so that what the kernel says is of this one.
fn cache<T>(task: &TaskCx) -> Result<Cache<T>> {
    Cache::create(task, &Args::new(c"kalloc_test").no_merge())
}

fn boxes_have_the_size_they_promise(_task: &mut TaskCx) -> Outcome {
    check_eq!(size_of::<SlabBox<u64, &Cache<u64>>>(), 16);
    check_eq!(size_of::<SlabBox<u64, Arc<Cache<u64>>>>(), 16);
    check_eq!(size_of::<SlabBox<u64, Numbers>>(), 8);
    check_eq!(size_of::<Option<SlabBox<u64, Numbers>>>(), 8);
    Ok(())
}

// What the kernel is asked for -----------------------------------------------------------------------------------------

fn kernel_sees_what_was_asked(task: &mut TaskCx) -> Outcome {
    #[allow(dead_code)]
    struct Message {
        id: u32,
        text: [u8; 196],
    }
    const NAME: &CStr = c"kalloc_test";

    let plain = Cache::<Message>::create(task, &Args::new(NAME).no_merge())?;
    check_eq!(attribute(NAME, c"object_size"), 200);
    check_eq!(plain.object_size(), 200);
    check_eq!(attribute(NAME, c"align"), 8);
    for off in [
        c"hwcache_align",
        c"reclaim_account",
        c"destroy_by_rcu",
        c"usersize",
    ] {
        check_eq!(attribute(NAME, off), 0);
    }
    check!(attribute(NAME, c"ctor") <= 0);
    plain.destroy(task);

    let args = Args::new(NAME)
        .no_merge()
        .hwcache_align()
        .reclaim_account()
        .account()
        .usercopy(usercopy!(Message, text));
    let all = Cache::<Message>::create(task, &args)?;
    check_eq!(attribute(NAME, c"hwcache_align"), 1);
    check_eq!(attribute(NAME, c"reclaim_account"), 1);
    check_eq!(attribute(NAME, c"align"), 64);
    if cfg!(CONFIG_HARDENED_USERCOPY) {
        check_eq!(attribute(NAME, c"usersize"), 196);
    }
    all.destroy(task);

    let aligned = Cache::<Message>::create(task, &Args::new(NAME).no_merge().align::<256>())?;
    check_eq!(attribute(NAME, c"align"), 256);
    aligned.destroy(task);

    if cfg!(CONFIG_ZONE_DMA) {
        let dma = Cache::<Message>::create(task, &Args::new(NAME).no_merge().cache_dma())?;
        check_eq!(attribute(NAME, c"cache_dma"), 1);
        dma.destroy(task);
    }
    Ok(())
}

/// What a cache may be one with is in the kernel's name for it, and with it whether it is charged.
fn similar_caches_are_one_unless_asked(task: &mut TaskCx) -> Outcome {
    const NAME: &CStr = c"kalloc_test_similar";
    let create = |args: &Args<'_, [u8; 56]>| -> Result<[u8; 32]> {
        use kernel::str::CStrExt as _;
        let cache = Cache::create(task, args)?;
        let mut id = [0; 32];
        // SAFETY: A string, and room for another one.
        let has =
            unsafe { c::testlib_slab_id(NAME.as_char_ptr(), id.as_mut_ptr().cast(), id.len()) };
        cache.destroy(task);
        has.then_some(id).ok_or(ENOENT)
    };
    let plain = create(&Args::new(NAME))?;
    if plain[0] != b':' {
        return Err(testlib::Stop::Skip("no two caches are one here"));
    }
    check!(plain.starts_with(b":0000056\0"));
    check!(create(&Args::new(NAME).no_merge())?.starts_with(b"kalloc_test_similar\0"));
    let charged = create(&Args::new(NAME).account())?;
    check!(charged.starts_with(if cfg!(CONFIG_MEMCG) {
        b":A-0000056\0"
    } else {
        b":0000056\0"
    }));
    check!(create(&Args::new(NAME).reclaim_account())?.starts_with(b":a-0000056\0"));
    check!(create(&Args::new(NAME).cache_dma32())?.starts_with(b":D-0000056\0"));
    Ok(())
}

/// As the kernel itself sees it, where it would stop a copy.
fn usercopy_window_is_of_the_field(task: &mut TaskCx) -> Outcome {
    const TEXT: usize = 40;
    #[repr(C)]
    struct Message {
        id: AtomicCell<i64>,
        text: [AtomicCell<i8>; TEXT],
        end: [AtomicCell<i64>; 3],
    }
    impl Construct for Message {
        fn construct() -> impl PinInit<Self> {
            init!(Message {
                id: AtomicCell::new(0),
                text: [const { AtomicCell::new(7) }; TEXT],
                end: [const { AtomicCell::new(0) }; 3],
            })
        }
    }
    /// Whether bytes from the text on, or from before it, may be copied to user space.
    fn may_be_copied(message: &Message, from: isize, len: usize) -> i32 {
        let text = (&raw const message.text).cast::<u8>();
        // SAFETY: It computes, and does not copy.
        unsafe { c::testlib_may_copy_to_user(text.wrapping_offset(from).cast(), len) }
    }
    fn is_the_text(message: &Message) -> Outcome {
        check_eq!(message.id.load(Relaxed) + message.end[2].load(Relaxed), 0);
        check_eq!(may_be_copied(message, 0, TEXT), 1);
        check_eq!(may_be_copied(message, 3, 1), 1);
        check_eq!(may_be_copied(message, -1, 1), 0);
        check_eq!(may_be_copied(message, -1, TEXT), 0);
        check_eq!(may_be_copied(message, 1, TEXT), 0);
        check_eq!(may_be_copied(message, TEXT as isize, 1), 0);
        Ok(())
    }

    if cfg!(not(CONFIG_HARDENED_USERCOPY)) {
        return Err(testlib::Stop::Skip("no CONFIG_HARDENED_USERCOPY"));
    }
    let args = Args::new(c"kalloc_test_window").usercopy(usercopy!(Message, text));
    let cache = Cache::create(task, &args)?;
    let message = SlabBox::pin_init(&task, &cache, Message::construct())?;
    is_the_text(&message)?;
    drop(message);
    cache.destroy(task);
    // Here an object has a count before it.
    let cache = RcuCache::create(task, &args)?;
    let message = RcuRef::new(&task, &cache, |_: &Message| ())?;
    is_the_text(&message)?;
    drop(message);
    cache.destroy(task);
    // Without a window there is none.
    let cache = Cache::create(task, &Args::new(c"kalloc_test_window"))?;
    let message = SlabBox::pin_init(&task, &cache, Message::construct())?;
    check_eq!(may_be_copied(&message, 0, 1), 0);
    Ok(())
}

fn kmem_cache_names_it_after_the_struct(task: &mut TaskCx) -> Outcome {
    #[allow(dead_code)]
    #[repr(align(32))]
    struct KallocTestStruct([u8; 96]);

    let cache = kmem_cache!(task, KallocTestStruct, no_merge())?;
    check_eq!(attribute(c"KallocTestStruct", c"object_size"), 96);
    check_eq!(attribute(c"KallocTestStruct", c"align"), 32);
    cache.destroy(task);
    check!(!exists(c"KallocTestStruct"));
    Ok(())
}

fn wrong_names_are_errors(task: &mut TaskCx) -> Outcome {
    for name in [c"", c"two words", c"a/b"] {
        check_eq!(
            Cache::<u64>::create(task, &Args::new(name)).err(),
            Some(EINVAL)
        );
    }
    Ok(())
}

fn tracepoint_sees_flags_and_node(task: &mut TaskCx) -> Outcome {
    let cache = cache::<[u64; 8]>(task)?;
    macro_rules! each {
        ($($grant:expr => $bits:expr, $node:expr;)*) => {$({
            let (object, trace) = traced(|| SlabBox::new_uninit($grant, &cache));
            let object = object?.write([7; 8]);
            let event = trace.allocation(&raw const *object).ok_or(ENOENT)?;
            check_eq!(event.gfp, $bits);
            check_eq!(event.node, $node);
        })*};
    }
    let bits = |expression: &CStr| {
        use kernel::str::CStrExt as _;
        let mut bits = 0;
        // SAFETY: A string, and a place for the result.
        unsafe { c::testlib_gfp(expression.as_char_ptr(), &mut bits) };
        bits
    };
    let node = Node::local();
    each! {
        &task => bits(c"GFP_KERNEL"), -1;
        task.with(GFP_ATOMIC) => bits(c"GFP_ATOMIC"), -1;
        task.with(GFP_KERNEL.account()) => bits(c"GFP_KERNEL | __GFP_ACCOUNT"), -1;
        task.with(GFP_KERNEL).on(node) => bits(c"GFP_KERNEL"), node.id();
    }
    let (object, trace) = traced(|| SlabBox::zeroed(task.with(GFP_KERNEL), &cache));
    let event = trace.allocation(&raw const *object?).ok_or(ENOENT)?;
    check_eq!(event.gfp, bits(c"GFP_KERNEL | __GFP_ZERO"));
    Ok(())
}

fn objects_are_aligned(task: &mut TaskCx) -> Outcome {
    #[repr(align(128))]
    struct Aligned([u8; 130]);

    let types = cache::<Aligned>(task)?;
    let of_cache =
        Cache::<[u8; 40]>::create(task, &Args::new(c"kalloc_test_aligned").align::<512>())?;
    for _ in 0..100 {
        let object = SlabBox::new(&task, &types, Aligned([1; 130]))?;
        check!(aligned(&*object, 128) && object.0 == [1; 130]);
        check!(aligned(&*SlabBox::new(&task, &of_cache, [0; 40])?, 512));
    }
    Ok(())
}

fn zeroed_memory_is_zero(task: &mut TaskCx) -> Outcome {
    let cache = cache::<[u8; 300]>(task)?;
    for _ in 0..50 {
        drop(SlabBox::new(&task, &cache, [0xa5; 300])?);
        check!(SlabBox::zeroed(&task, &cache)?
            .iter()
            .all(|&byte| byte == 0));
    }
    Ok(())
}

fn objects_of_a_zone(task: &mut TaskCx) -> Outcome {
    if cfg!(not(CONFIG_ZONE_DMA)) {
        return Err(testlib::Stop::Skip("no ZONE_DMA"));
    }
    // SAFETY: Memory of a slab.
    let phys = |object: &[u8; 64]| unsafe { c::testlib_phys(object.as_ptr().cast()) };
    let dma = Cache::create(task, &Args::new(c"kalloc_test_dma").cache_dma())?;
    check!(phys(&*SlabBox::new(&task, &dma, [1; 64])?) < testlib::ZONE_DMA_END);
    let dma32 = Cache::create(task, &Args::new(c"kalloc_test_dma32").cache_dma32())?;
    check!(phys(&*SlabBox::new(&task, &dma32, [1; 64])?) < 4 << 30);
    // On x86 it is not so by luck.
    let usual = phys(&*SlabBox::new(&task, &cache(task)?, [1; 64])?);
    check!(cfg!(not(CONFIG_X86)) || usual >= testlib::ZONE_DMA_END);
    Ok(())
}

struct Link {
    next: Option<SlabBox<Link, Links>>,
    body: [u8; 1000],
}

fn value_comes_back_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    fn link(next: Option<SlabBox<Link, Links>>) -> Link {
        Link {
            next,
            body: [7; 1000],
        }
    }
    // Its slab has room for more.
    let mut list = Some(SlabBox::new(&task, Links, link(None))?);
    let hoard = all_large_memory(task)?;
    let back = loop {
        match SlabBox::new(task.with(GFP_NORECLAIM.nowarn()), Links, link(list.take())) {
            Ok(link) => list = Some(link),
            Err(failed) => break failed.value,
        }
    };
    drop(hoard);
    check!(back.body == [7; 1000]);
    let mut len = 0;
    let mut next = back.next;
    while let Some(link) = next {
        check!(link.body == [7; 1000]);
        len += 1;
        next = link.into_inner().next;
    }
    check!(len > 1);
    Ok(())
}

/// What is so large that there is none any more, and as it was made.
fn constructed_objects_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    const SIZE: usize = 240 << 10;
    struct Large {
        bytes: [u8; SIZE],
    }
    impl Construct for Large {
        fn construct() -> impl PinInit<Self> {
            init!(Large { bytes <- pin_init::init_zeroed() })
        }
    }
    impl Constructed for Large {
        fn reset(self: Pin<&mut Self>) {}
    }
    let args = Args::new(c"kalloc_test_large");
    macro_rules! each {
        ($($cache:ident: |$grant:ident, $owner:ident| $new:expr;)*) => {$({
            let $owner = &$cache::<Large>::create(task, &args)?;
            let mut kept = KBox::from_fn(&task, 1024, |_| None)?;
            let hoard = all_large_memory(task)?;
            let mut failed = false;
            for place in kept.iter_mut() {
                let $grant = task.with(GFP_NORECLAIM.nowarn());
                match $new {
                    Ok(object) => *place = Some(object),
                    Err(error) => {
                        failed = Error::from(error) == ENOMEM;
                        break;
                    }
                }
            }
            drop(hoard);
            check!(failed);
            // It works as before, and nothing stays.
            let $grant = &*task;
            check_eq!(($new)?.bytes[SIZE - 1], 0);
            drop(kept);
            check!($owner.shrink($grant));
        })*};
    }
    each! {
        ConstructedCache: |grant, cache| ConstructedBox::new(grant, cache);
        RcuCache: |grant, cache| RcuRef::new(grant, cache, |_: &Large| ());
    }
    Ok(())
}

/// The kernel makes no cache: what was made for it is freed.
fn creation_that_fails_frees_all(task: &mut TaskCx) -> Outcome {
    const ARGS: Args<'_, u64> = Args::new(c"kalloc_test_none").no_merge();
    let (cache, trace) = testlib::refused(c"__kmem_cache_create_args", || {
        traced(|| Cache::create(task, &ARGS))
    })?;
    check_eq!(cache.err(), Some(ENOMEM));
    let made = trace.events().filter(|event| !event.is_free);
    check!(made.clone().count() > 0);
    for event in made {
        check_eq!(trace.frees(event.ptr), 1);
    }
    check!(!exists(c"kalloc_test_none"));
    Cache::create(task, &ARGS)?.destroy(task);
    Ok(())
}

fn nofail_is_infallible(task: &mut TaskCx) -> Outcome {
    let cache = cache(task)?;
    let Ok(object) = SlabBox::<[u8; 4096], _>::zeroed(task.with(GFP_KERNEL.nofail()), &cache);
    check!(object[4095] == 0);
    Ok(())
}

// Boxes ----------------------------------------------------------------------------------------------------------------

fn object_is_dropped_and_freed_once(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let cache = cache(task)?;
    macro_rules! each {
        ($($drops:literal: $memory:expr => $end:expr;)*) => {$({
            let memory = $memory;
            let ptr = &raw const *memory;
            let ((), trace) = traced(|| ($end)(memory));
            check_eq!(trace.frees(ptr), 1);
            check_eq!(drops.swap(0, Ordering::Relaxed), $drops);
        })*};
    }
    each! {
        1: SlabBox::new(&task, &cache, Counted(&drops))? => drop;
        1: SlabBox::new(&task, &cache, Counted(&drops))? => |memory| drop(SlabBox::into_inner(memory));
        1: SlabBox::pin(&task, &cache, Counted(&drops))? => drop;
        0: SlabBox::new(&task, &cache, Counted(&drops))? => |memory| core::mem::forget(SlabBox::into_inner(memory));
    }
    check!(cache.shrink(task));
    Ok(())
}

fn memory_is_reused_by_take(task: &mut TaskCx) -> Outcome {
    let cache = cache(task)?;
    let first = SlabBox::new(&task, &cache, 1u64)?;
    let ptr = &raw const *first;
    let (second, trace) = traced(|| {
        let (value, memory) = first.take();
        memory.write(value + 1)
    });
    check!(*second == 2 && core::ptr::eq(&*second, ptr));
    check_eq!(trace.events().count(), 0);
    Ok(())
}

fn pinned_initialisers(task: &mut TaskCx) -> Outcome {
    #[pin_data]
    struct Pinned {
        value: u32,
        #[pin]
        lock: SpinLock<u32>,
    }
    let cache = cache(task)?;
    let pinned = SlabBox::pin_init(
        &task,
        &cache,
        pin_init!(Pinned { value: 1, lock <- new_spinlock!(2) }),
    )?;
    check_eq!(
        pinned.value + task.locked(&pinned.lock, |value, _| *value),
        3
    );
    drop(pinned);
    let failed = SlabBox::init(&task, &cache, Err::<Pinned, Error>(EBUSY)).err();
    check_eq!(failed, Some(EBUSY));
    // What failed was freed.
    check!(cache.shrink(task));
    Ok(())
}

fn use_and_drop_in_each_context(task: &mut TaskCx) -> Outcome {
    let cache = cache::<u64>(task)?;
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    let (result, trace) = traced(|| -> Result {
        let kept = SlabBox::new(&task, &cache, 0)?;
        task.locked(&lock, |(), cx| -> Result {
            drop(kept);
            let bulk = SlabBulk::<_, 4, _>::from_fn(&cx, &cache, |i| i as u64)?;
            drop(bulk);
            drop(SlabBox::new(&cx, &cache, 1)?);
            Ok(())
        })?;
        task.rcu_read(|_guard, cx| SlabBox::new(&cx, &cache, 2).map(drop))?;
        task.nofs(|cx| SlabBox::new(&cx, &cache, 3).map(drop))?;
        task.noio(|cx| SlabBox::new(&cx, &cache, 4).map(drop))?;
        SlabBox::new(&task.as_irq(), &cache, 5).map(drop)?;
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            task.irqs_off(|cx| SlabBox::new(&cx, &cache, 6).map(drop))?;
            task.preempt_off(|cx| SlabBox::new(&cx, &cache, 7).map(drop))?;
        }
        Ok(())
    });
    result?;
    check!(trace.events().count() >= 10);
    check!(cache.shrink(task));
    Ok(())
}

/// The memory is asked for there, and with the flags of there.
fn made_in_each_atomic_context(task: &mut TaskCx) -> Outcome {
    const ATOMIC: u32 = GfpAtomic::BITS;
    let cache = cache::<u64>(task)?;
    check_in_each_atomic_context!(task, |cx| asks_for(
        ATOMIC,
        || SlabBox::new(&cx, &cache, 7),
        |object| (&raw const **object).cast()
    ));
    check!(task.bh_off(|cx| SlabBulk::<_, 4, _>::from_fn(&cx, &cache, |i| i as u64).is_ok()));
    let mut works = false;
    testlib::in_softirq(|cx| {
        works = SlabBulk::<_, 4, _>::from_fn(&cx, &cache, |i| i as u64).is_ok();
    })?;
    check!(works && cache.shrink(task));

    let cache = ConstructedCache::<Wired>::create(task, &Args::new(c"kalloc_test_constructed"))?;
    check_in_each_atomic_context!(task, |cx| asks_for(
        ATOMIC,
        || ConstructedBox::new(&cx, &cache),
        |object| (&raw const **object).cast()
    ));
    check!(cache.shrink(task));

    // An object has a count before it.
    let cache = RcuCache::<Session>::create(task, &Args::new(c"kalloc_test_rcu"))?;
    check_in_each_atomic_context!(task, |cx| asks_for(
        ATOMIC,
        || RcuRef::new(&cx, &cache, |session: &Session| session.set(1)),
        |session| (&raw const **session).cast::<u8>().wrapping_sub(8)
    ));
    check!(cache.shrink(task));
    Ok(())
}

// Owners ---------------------------------------------------------------------------------------------------------------

fn arc_keeps_the_cache(task: &mut TaskCx) -> Outcome {
    const NAME: &CStr = c"kalloc_test_arc";
    let cache = Cache::<u64>::create(task, &Args::new(NAME).no_merge())?;
    let cache = Arc::new_with(&task, cache)?;
    let first = SlabBox::new(&task, cache.clone(), 1)?;
    let second = SlabBox::new(&task, cache.clone(), 2)?;
    drop(cache);
    drop(first);
    check!(exists(NAME));
    check_eq!(*second, 2);
    // The last box takes the cache along, also where nothing may sleep.
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    task.locked(&lock, |(), _cx| drop(second));
    check!(testlib::wait_until(task, || !exists(NAME)));
    Ok(())
}

/// The kernel complains of who waits there for what may wait for memory.
fn caches_where_nothing_is_reclaimed(task: &mut TaskCx) -> Outcome {
    const ARGS: Args<'_, u64> = Args::new(c"kalloc_test_noreclaim").no_merge();
    for _ in 0..20 {
        drop(Cache::create(task, &ARGS)?);
        task.noreclaim(|_cx| -> Outcome {
            // SAFETY: A work item of a queue with WQ_MEM_RECLAIM, for which this stands, has a `TaskCx`.
            let cx = &unsafe { TaskCx::assume() };
            drop(Cache::create(cx, &ARGS)?);
            destroy_dropped(cx);
            Cache::create(cx, &ARGS)?.destroy(cx);
            Ok(())
        })?;
    }
    Ok(())
}

fn cache_dropped_in_atomic_context(task: &mut TaskCx) -> Outcome {
    const NAMES: [&CStr; 2] = [c"kalloc_test_atomic", c"kalloc_test_raw"];
    let first = Cache::<u64>::create(task, &Args::new(NAMES[0]).no_merge())?;
    let second = Cache::<u64>::create(task, &Args::new(NAMES[1]).no_merge())?;
    check!(exists(NAMES[0]) && exists(NAMES[1]));
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    task.locked(&lock, |(), _cx| drop(first));
    task.irqs_off(|_cx| drop(second));
    destroy_dropped(task);
    check!(!exists(NAMES[0]) && !exists(NAMES[1]));
    Ok(())
}

fn cache_of_the_module(task: &mut TaskCx) -> Outcome {
    check!(exists(c"kalloc_test_numbers"));
    let object = SlabBox::new(&task, Numbers, 7)?;
    // It may go anywhere: nothing is borrowed.
    fn for_ever<T: 'static>(_: &T) {}
    for_ever(&object);
    let other = SlabBox::new(&task, Numbers.get(), 8)?;
    check_eq!(*object + *other, 15);
    Ok(())
}

fn destroy_is_at_once(task: &mut TaskCx) -> Outcome {
    const NAME: &CStr = c"kalloc_test_destroy";
    let cache = Cache::<u64>::create(task, &Args::new(NAME).no_merge())?;
    drop(SlabBox::new(&task, &cache, 1)?);
    cache.destroy(task);
    check!(!exists(NAME));
    Ok(())
}

/// The kernel would complain of two caches of one name.
fn name_is_free_after_a_drop(task: &mut TaskCx) -> Outcome {
    for _ in 0..20 {
        drop(SlabBox::new(&task, &cache(task)?, 1u64)?);
    }
    Ok(())
}

fn shrink_gives_all_back(task: &mut TaskCx) -> Outcome {
    let cache = cache::<[u8; 512]>(task)?;
    let object = SlabBox::new(&task, &cache, [1; 512])?;
    check!(!cache.shrink(task));
    drop(object);
    check!(cache.shrink(task));
    Ok(())
}

// Bulks ----------------------------------------------------------------------------------------------------------------

fn bulk_is_one_owner(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let cache = cache::<(usize, Counted<'_>)>(task)?;
    let mut bulk = SlabBulk::<_, 16, _>::from_fn(&task, &cache, |i| (i, Counted(&drops)))?;
    bulk[3].0 += 100;
    check_eq!(bulk.iter().map(|object| object.0).sum::<usize>(), 120 + 100);
    check!(bulk.iter_mut().len() == 16);
    drop(bulk);
    check_eq!(drops.swap(0, Ordering::Relaxed), 16);

    // In the order of their index.
    let order = DropOrder::new();
    let digits = Cache::create(task, &Args::new(c"kalloc_test_digits").no_merge())?;
    drop(SlabBulk::<_, 5, _>::from_fn(&task, &digits, |i| {
        order.digit(i + 1)
    })?);
    check_eq!(order.take(), 0x12345);

    let boxes = SlabBulk::<_, 3, _>::from_fn(&task, &cache, |i| (i, Counted(&drops)))?.into_boxes();
    check_eq!(boxes[2].0, 2);
    let [first, second, third] = boxes;
    drop((second, third));
    check_eq!(drops.swap(0, Ordering::Relaxed), 2);
    drop(first);
    check_eq!(drops.load(Ordering::Relaxed), 1);
    check!(cache.shrink(task));
    Ok(())
}

fn bulk_dropped_with_interrupts_off(task: &mut TaskCx) -> Outcome {
    if cfg!(CONFIG_PREEMPT_RT) {
        return Err(testlib::Stop::Skip(
            "no slab memory is freed there on PREEMPT_RT",
        ));
    }
    let cache = cache::<u64>(task)?;
    let bulk = SlabBulk::<_, 8, _>::from_fn(&task, &cache, |i| i as u64)?;
    let first = &raw const bulk[0];
    let ((), trace) = traced(|| task.irqs_off(|_cx| drop(bulk)));
    // One by one, which the tracepoint sees; it does not see a bulk.
    check_eq!(trace.frees(first), 1);
    check!(cache.shrink(task));
    Ok(())
}

fn bulk_is_all_or_nothing(task: &mut TaskCx) -> Outcome {
    const BULKS: usize = 4096;
    let cache = cache::<[u8; 1024]>(task)?;
    let mut bulks = KBox::from_fn(&task, BULKS, |_| None)?;
    let hoard = all_large_memory(task)?;
    let mut made = 0;
    for place in bulks.iter_mut() {
        let grant = task.with(GFP_NORECLAIM.nowarn());
        let Ok(bulk) = SlabBulk::<_, 64, _>::from_fn(grant, &cache, |_| [0u8; 1024]) else {
            break;
        };
        *place = Some(bulk);
        made += 1;
    }
    drop(hoard);
    check!(made > 0 && made < BULKS);
    drop(bulks);
    // The last one left none behind.
    check!(cache.shrink(task));
    Ok(())
}

// Constructors ---------------------------------------------------------------------------------------------------------

static CONSTRUCTED: AtomicUsize = AtomicUsize::new(0);

#[pin_data]
struct Wired {
    #[pin]
    lock: SpinLock<u32>,
    id: u64,
    used: u64,
}

impl Construct for Wired {
    fn construct() -> impl PinInit<Self> {
        CONSTRUCTED.fetch_add(1, Ordering::Relaxed);
        pin_init!(Wired { lock <- new_spinlock!(5), id: 0x1234, used: 0 })
    }
}

impl Constructed for Wired {
    fn reset(self: Pin<&mut Self>) {
        let this = self.project();
        *this.used = 0;
    }
}

fn constructor_runs_once_an_object(task: &mut TaskCx) -> Outcome {
    const NAME: &CStr = c"kalloc_test_constructed";
    let cache = ConstructedCache::<Wired>::create(task, &Args::new(NAME))?;
    check!(attribute(NAME, c"ctor") > 0);
    CONSTRUCTED.store(0, Ordering::Relaxed);
    let first = ConstructedBox::new(&task, &cache)?;
    let after_one = CONSTRUCTED.load(Ordering::Relaxed);
    check!(after_one > 0);
    check_eq!(first.id, 0x1234);
    drop(first);
    for _ in 0..100 {
        drop(ConstructedBox::new(task.with(GFP_ATOMIC), &cache)?);
    }
    // Not again for memory that the cache already has, which KASAN keeps back.
    check!(cfg!(CONFIG_KASAN) || CONSTRUCTED.load(Ordering::Relaxed) <= 2 * after_one);
    check!(cache.shrink(task));
    Ok(())
}

fn objects_go_back_constructed(task: &mut TaskCx) -> Outcome {
    let args = Args::new(c"kalloc_test_constructed");
    let cache = ConstructedCache::<Wired>::create(task, &args)?;
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    for round in 0..200 {
        let mut object = ConstructedBox::new(&task, &cache)?;
        check!(object.id == 0x1234 && object.used == 0);
        check_eq!(task.locked(&object.lock, |value, _| *value), 5);
        *object.as_mut().project().used = 7;
        if round % 2 == 0 {
            task.locked(&lock, |(), _cx| drop(object));
        }
    }
    Ok(())
}

// RCU ------------------------------------------------------------------------------------------------------------------

struct Session {
    id: AtomicCell<u64>,
    double: AtomicCell<u64>,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session {
            id: AtomicCell::new(0),
            double: AtomicCell::new(0)
        })
    }
}

impl Session {
    fn set(&self, id: u64) {
        self.id.store(id, Relaxed);
        self.double.store(2 * id, Relaxed);
    }
}

fn rcu_lookup_gets_and_checks(task: &mut TaskCx) -> Outcome {
    let cache = RcuCache::<Session>::create(task, &Args::new(c"kalloc_test_rcu"))?;
    check_eq!(attribute(c"kalloc_test_rcu", c"destroy_by_rcu"), 1);
    let cell = RcuSlot::new(&cache);
    let find = |task: &mut TaskCx, id| {
        task.rcu_read(|guard, _cx| cell.get(guard, |session| session.id.load(Relaxed) == id))
    };
    check!(find(task, 1).is_none());
    let first = RcuRef::new(&task, &cache, |session: &Session| session.set(1))?;
    let ptr = &raw const *first;
    check!(matches!(cell.replace(Some(first)), Ok(None)));
    let found = find(task, 1);
    check!(found
        .as_ref()
        .is_some_and(|found| core::ptr::eq(&**found, ptr)));
    check!(find(task, 2).is_none());

    // Out of the cell it is found no more, and lives as long as a reference does.
    let second = RcuRef::new(&task, &cache, |session: &Session| session.set(2))?;
    check!(matches!(cell.replace(Some(second)), Ok(Some(_))));
    check!(find(task, 1).is_none() && find(task, 2).is_some());
    let found = found.ok_or(ENOENT)?;
    check_eq!(found.double.load(Relaxed), 2);
    let again = found.clone();
    let ((), trace) = traced(|| drop(found));
    check_eq!(trace.events().count(), 0);
    let ((), trace) = traced(|| drop(again));
    check_eq!(trace.events().filter(|event| event.is_free).count(), 1);
    drop(cell);
    check!(cache.shrink(task));
    Ok(())
}

/// An owner that empties the slot when it is cloned: in a lookup that is when there is a reference
/// and it has not looked again.
struct Meddler;

static MEDDLE: AtomicBool = AtomicBool::new(false);
static SLOT: SetOnce<RcuSlot<Session, Meddler>> = SetOnce::new();

impl Clone for Meddler {
    fn clone(&self) -> Self {
        if MEDDLE.swap(false, Ordering::Relaxed) {
            drop(SLOT.as_ref().map(|slot| slot.replace(None)));
        }
        Self
    }
}

// SAFETY: It is the module's own cache.
unsafe impl PoolRef<RcuCache<Session>> for Meddler {
    fn pool(&self) -> &RcuCache<Session> {
        Sessions.pool()
    }
}

/// What has left the slot since the lookup got a reference, it does not give.
fn rcu_lookup_looks_again(task: &mut TaskCx) -> Outcome {
    check!(SLOT.populate(RcuSlot::new(Meddler)));
    let slot = SLOT.as_ref().ok_or(EINVAL)?;
    let new = RcuRef::new(&task, Meddler, |session: &Session| session.set(1))?;
    check!(matches!(slot.replace(Some(new)), Ok(None)));
    let get = |task: &mut TaskCx| task.rcu_read(|guard, _cx| slot.get(guard, |_| true));
    check!(get(task).is_some());
    MEDDLE.store(true, Ordering::Relaxed);
    check!(get(task).is_none());
    check!(!MEDDLE.load(Ordering::Relaxed));
    Ok(())
}

fn rcu_cell_of_another_cache(task: &mut TaskCx) -> Outcome {
    let one = RcuCache::<Session>::create(task, &Args::new(c"kalloc_test_one"))?;
    let two = RcuCache::<Session>::create(task, &Args::new(c"kalloc_test_two"))?;
    let cell = RcuSlot::new(&one);
    let stranger = RcuRef::new(&task, &two, |_: &Session| ())?;
    check!(cell.replace(Some(stranger)).is_err());
    Ok(())
}

/// Puts one session after another into the cells, those of even numbers into the first. Each is freed
/// when it comes out, and may be the next one in the other cell.
#[pin_data]
struct Churn {
    #[pin]
    work: Work<Churn>,
    cells: [RcuSlot<Session, Sessions>; 2],
    rounds: AtomicUsize,
    stop: AtomicBool,
}

impl_has_work! {
    impl HasWork<Self> for Churn { self.work }
}

impl WorkItem for Churn {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        // SAFETY: Work runs in process context, and this is the only token in it.
        let task = unsafe { TaskCx::assume() };
        while !this.stop.load(Ordering::Relaxed) {
            let id = this.rounds.fetch_add(1, Ordering::Relaxed) as u64 + 1;
            if let Ok(new) = RcuRef::new(&task, Sessions, |session: &Session| session.set(id)) {
                let _ = this.cells[id as usize % 2].replace(Some(new));
            }
        }
        let _ = this.cells[1].replace(None);
        let _ = this.cells[0].replace(None);
    }
}

fn rcu_readers_never_see_a_wrong_object(task: &mut TaskCx) -> Outcome {
    let churn = Arc::pin_init_with(
        &task,
        pin_init!(Churn {
            work <- new_work!("Churn::work"),
            cells: [RcuSlot::new(Sessions), RcuSlot::new(Sessions)],
            rounds: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        }),
    )?;
    // SAFETY: The kernel makes its queues before any module runs.
    let queue = unsafe { kernel::bindings::system_dfl_wq };
    // SAFETY: It does not destroy them.
    let queue = unsafe { workqueue::Queue::from_raw(queue) };
    check!(queue.enqueue(churn.clone()).is_ok());
    let (mut found, mut wrong, mut changes, mut last) = (0, 0, 0, 0);
    for _ in 0..1_000_000 {
        let session = task.rcu_read(|guard, _cx| churn.cells[0].get(guard, |_| true));
        if let Some(session) = session {
            found += 1;
            // While there is a reference nobody changes it.
            let id = session.id.load(Relaxed);
            if session.double.load(Relaxed) != 2 * id || id == 0 || id % 2 != 0 {
                wrong += 1;
            }
            changes += usize::from(id != last);
            last = id;
        }
        if changes == 3000 {
            break;
        }
    }
    churn.stop.store(true, Ordering::Relaxed);
    while task
        .rcu_read(|guard, _cx| churn.cells[0].get(guard, |_| true))
        .is_some()
    {
        kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
    }
    // The work is at its end, and its code must not be unloaded before that.
    kernel::time::delay::fsleep(kernel::time::Delta::from_millis(10));
    pr_info!(
        "# {} lookups of {} objects, {} made\n",
        found,
        changes,
        churn.rounds.load(Ordering::Relaxed)
    );
    check!(changes > 1);
    check_eq!(wrong, 0);
    Ok(())
}
