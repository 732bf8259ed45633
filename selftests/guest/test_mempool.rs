// SPDX-License-Identifier: GPL-2.0

//! Memory pools: the reserve is there when the allocator has nothing, and everything comes back.

use core::sync::atomic::{AtomicUsize, Ordering};
use kalloc::{mempool::*, pooled::PooledUninit, prelude::*, slab::*, sync::new_raw_spinlock};
use kernel::{
    new_spinlock,
    page::PAGE_SIZE,
    sync::{Arc, SpinLock},
    workqueue::{self, impl_has_delayed_work, new_delayed_work, DelayedWork, WorkItem},
};
use testlib::{
    all_large_memory, asks_for, check, check_eq, check_in_each_atomic_context, refused, traced,
    Counted, DropOrder, Outcome,
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
                ("wrong_sizes_are_errors", wrong_sizes_are_errors),
                ("reserve_of_kmalloc", reserve_of_kmalloc),
                ("reserve_of_a_slab_cache", reserve_of_a_slab_cache),
                ("reserve_of_pages", reserve_of_pages),
                (
                    "elements_when_memory_is_short",
                    elements_when_memory_is_short,
                ),
                (
                    "waits_until_an_element_comes_back",
                    waits_until_an_element_comes_back,
                ),
                (
                    "value_comes_back_when_the_reserve_is_empty",
                    value_comes_back_when_the_reserve_is_empty,
                ),
                ("tracepoint_sees_flags", tracepoint_sees_flags),
                ("object_is_dropped_once", object_is_dropped_once),
                ("resize_up_and_down", resize_up_and_down),
                ("resize_when_memory_is_short", resize_when_memory_is_short),
                ("resize_on_two_cpus_at_once", resize_on_two_cpus_at_once),
                ("bulk_is_one_owner", bulk_is_one_owner),
                ("use_and_drop_in_each_context", use_and_drop_in_each_context),
                ("made_in_each_atomic_context", made_in_each_atomic_context),
                (
                    "pool_dropped_in_atomic_context",
                    pool_dropped_in_atomic_context,
                ),
                (
                    "pool_dropped_with_a_raw_spinlock_held",
                    pool_dropped_with_a_raw_spinlock_held,
                ),
                ("arc_keeps_the_pool", arc_keeps_the_pool),
                ("pool_of_the_module", pool_of_the_module),
                ("pinned_initialisers", pinned_initialisers),
                (
                    "creation_fails_when_memory_is_short",
                    creation_fails_when_memory_is_short,
                ),
            ],
        )?;
        Ok(Tests)
    }
}

kalloc::module! {
    type: Tests,
    pools: {
        /// What `pool_of_the_module` tests.
        static Reserve: Mempool<u64> = 3;
        static Blocks: Mempool<[u8; 8192], PageBacked> = 1;
    },
    name: "test_mempool",
    authors: ["The kalloc authors"],
    description: "kalloc tests",
    license: "GPL",
}

fn aligned<T>(ptr: &T, align: usize) -> bool {
    (&raw const *ptr).addr() % align == 0
}

fn boxes_have_the_size_they_promise(_task: &mut TaskCx) -> Outcome {
    check_eq!(size_of::<MempoolBox<u64, &Mempool<u64>>>(), 16);
    check_eq!(size_of::<MempoolBox<u64, Arc<Mempool<u64>>>>(), 16);
    check_eq!(size_of::<MempoolBox<u64, Reserve>>(), 8);
    Ok(())
}

fn wrong_sizes_are_errors(task: &mut TaskCx) -> Outcome {
    for min_nr in [0, MAX_MIN_NR + 1, usize::MAX] {
        check_eq!(Mempool::<u64>::kmalloc(&task, min_nr).err(), Some(EINVAL));
    }
    check_eq!(
        Mempool::<u64, KmallocBacked, 8>::kmalloc(&task, 7).err(),
        Some(EINVAL)
    );
    let pool = Mempool::<u64, KmallocBacked, 8>::kmalloc(&task, 8)?;
    for min_nr in [0, 7, MAX_MIN_NR + 1, usize::MAX] {
        check_eq!(pool.resize(task, min_nr).err(), Some(EINVAL));
    }
    check!(pool.min_nr() == 8 && pool.curr_nr() == 8);
    Ok(())
}

/// Takes the reserve of three, sees that there is no fourth, and gives it back.
macro_rules! take_the_reserve {
    ($task:ident, $pool:expr, $align:expr) => {{
        let pool = &$pool;
        check!(pool.min_nr() == 3 && pool.curr_nr() == 3);
        let mut taken = [None, None, None];
        for (i, place) in taken.iter_mut().enumerate() {
            *place = Some(MempoolBox::preallocated($task, pool, [i as u8; 1000])?);
            check_eq!(pool.curr_nr(), 2 - i);
        }
        let Err(failed) = MempoolBox::preallocated($task, pool, [9; 1000]) else {
            return Err(testlib::Stop::Fail);
        };
        check!(failed.value == [9; 1000]);
        for (i, element) in taken.iter().flatten().enumerate() {
            check!(**element == [i as u8; 1000] && aligned(&**element, $align));
        }
        // With the reserve out, memory comes from the allocator.
        let other = MempoolBox::new(&$task, pool, [7; 1000]);
        check!(*other == [7; 1000]);
        drop(taken);
        check_eq!(pool.curr_nr(), 3);
        // And goes back there, now that the reserve is full.
        drop(other);
        check_eq!(pool.curr_nr(), 3);
    }};
}

fn reserve_of_kmalloc(task: &mut TaskCx) -> Outcome {
    take_the_reserve!(task, Mempool::<[u8; 1000]>::kmalloc(&task, 3)?, 8);
    take_the_reserve!(
        task,
        Mempool::<[u8; 1000]>::kmalloc(task.with(GFP_KERNEL).on(Node::local()), 3)?,
        8
    );
    Ok(())
}

fn reserve_of_a_slab_cache(task: &mut TaskCx) -> Outcome {
    let args = Args::new(c"kalloc_test_pool").no_merge().align::<64>();
    let cache = Cache::<[u8; 1000]>::create(task, &args)?;
    take_the_reserve!(task, Mempool::<_, _>::slab(&task, 3, &cache)?, 64);
    // The pool has given all back to the cache.
    check!(cache.shrink(task));

    // The pool keeps the cache that it owns.
    let cache = Arc::new_with(&task, cache)?;
    take_the_reserve!(task, Mempool::<_, _>::slab(&task, 3, cache)?, 64);
    Ok(())
}

fn reserve_of_pages(task: &mut TaskCx) -> Outcome {
    take_the_reserve!(
        task,
        Mempool::<[u8; 1000], PageBacked>::pages(&task, 3)?,
        4096
    );

    let pool = Mempool::<[u8; 20_000], PageBacked>::pages(&task, 2)?;
    let Ok(element) = MempoolBox::pin_init(&task, &pool, pin_init::init_zeroed::<[u8; 20_000]>());
    check!(aligned(&*element, 32768));
    Ok(())
}

// When memory is short -------------------------------------------------------------------------------------------------

type Large = [u8; 4 << 20];

fn elements_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    let pool = Mempool::<Large, PageBacked>::pages(&task, 2)?;
    let hoard = all_large_memory(task)?;
    // Nothing is left but the reserve.
    let first = MempoolBox::try_new_uninit(task.with(GFP_NORECLAIM), &pool)?;
    check_eq!(pool.curr_nr(), 1);
    let second = MempoolBox::try_new_uninit(task.with(GFP_NORECLAIM), &pool)?;
    check_eq!(pool.curr_nr(), 0);
    check!(MempoolBox::try_new_uninit(task.with(GFP_NORECLAIM), &pool).is_err());
    drop(second);
    check_eq!(pool.curr_nr(), 1);
    let again = MempoolBox::try_new_uninit(task.with(GFP_NORECLAIM), &pool)?;
    check_eq!(pool.curr_nr(), 0);
    drop((first, again));
    check_eq!(pool.curr_nr(), 2);
    drop(hoard);
    Ok(())
}

type LargePool = Mempool<Large, PageBacked>;

/// Gives an element back after a while.
#[pin_data]
struct Giver {
    #[pin]
    work: DelayedWork<Giver>,
    #[pin]
    element: SpinLock<Option<PooledUninit<LargePool, Arc<LargePool>>>>,
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self> for Giver { self.work }
}

impl WorkItem for Giver {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let element = this.element.lock().take();
        drop(element);
    }
}

fn waits_until_an_element_comes_back(task: &mut TaskCx) -> Outcome {
    let pool = Arc::new_with(&task, LargePool::pages(&task, 1)?)?;
    let element = MempoolBox::preallocated_uninit(task, pool.clone())?;
    let given = &raw const *element.as_uninit();
    let giver = Arc::pin_init_with(
        &task,
        pin_init!(Giver {
            work <- new_delayed_work!("Giver::work"),
            element <- new_spinlock!(Some(element)),
        }),
    )?;
    let mut more = KBox::from_fn(&task, 64, |_| None)?;
    let hoard = all_large_memory(task)?;
    // And what reclaim finds, since the pool asks for that too.
    for place in more.iter_mut() {
        match KBox::<Large>::new_uninit(task.with(GFP_KERNEL.noretry().nowarn())) {
            Ok(memory) => *place = Some(memory),
            Err(_) => break,
        }
    }
    check!(workqueue::system_long().enqueue_delayed(giver, 20).is_ok());
    // No error to handle: it waits, unless the kernel finds other memory meanwhile.
    let element = MempoolBox::new_uninit(&task, pool.clone());
    drop((hoard, more));
    pr_info!(
        "# waited for the element: {}\n",
        core::ptr::eq(element.as_uninit(), given)
    );
    drop(element);
    while pool.curr_nr() == 0 {
        kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
    }
    // The work is at its end, and its code must not be unloaded before that.
    kernel::time::delay::fsleep(kernel::time::Delta::from_millis(300));
    Ok(())
}

fn value_comes_back_when_the_reserve_is_empty(task: &mut TaskCx) -> Outcome {
    let pool = Mempool::<KBox<u64>>::kmalloc(&task, 1)?;
    let _only = MempoolBox::preallocated(task, &pool, KBox::new(&task, 1)?)?;
    let Err(failed) = MempoolBox::preallocated(task, &pool, KBox::new(&task, 7)?) else {
        return Err(testlib::Stop::Fail);
    };
    check_eq!(*failed.value, 7);
    Ok(())
}

fn creation_fails_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    let hoard = all_large_memory(task)?;
    let pool = Mempool::<Large, PageBacked>::pages(task.with(GFP_NORECLAIM.nowarn()), 2);
    drop(hoard);
    check_eq!(pool.err(), Some(ENOMEM));
    Ok(())
}

// Elements -------------------------------------------------------------------------------------------------------------

/// The value of a C expression of flags.
fn bits(expression: &CStr) -> u32 {
    use kernel::str::CStrExt as _;
    let mut bits = 0;
    // SAFETY: A string, and a place for the result.
    unsafe { testlib::c::testlib_gfp(expression.as_char_ptr(), &mut bits) };
    bits
}

/// What the pool adds to the flags.
fn added() -> u32 {
    (bits(c"GFP_KERNEL | __GFP_NOMEMALLOC")
        | bits(c"GFP_KERNEL | __GFP_NORETRY")
        | bits(c"GFP_KERNEL | __GFP_NOWARN"))
        & !bits(c"GFP_KERNEL")
}

/// The pool asks first without waiting, whatever the flags.
fn tracepoint_sees_flags(task: &mut TaskCx) -> Outcome {
    let args = Args::new(c"kalloc_test_pool").no_merge();
    let cache = Cache::<u64>::create(task, &args)?;
    let pool = Mempool::<_, _>::slab(&task, 1, &cache)?;
    let added = added();
    let waits = bits(c"__GFP_RECLAIM | __GFP_IO") & !bits(c"__GFP_KSWAPD_RECLAIM | __GFP_NOWARN");

    let (element, trace) = traced(|| MempoolBox::new(&task, &pool, 1));
    let event = trace.allocation(&raw const *element).ok_or(ENOENT)?;
    check_eq!(event.gfp, (bits(c"GFP_KERNEL") & !waits) | added);
    let (element, trace) = traced(|| MempoolBox::try_new(task.with(GFP_ATOMIC), &pool, 1));
    let event = trace.allocation(&raw const *element?).ok_or(ENOENT)?;
    check_eq!(event.gfp, bits(c"GFP_ATOMIC") | added);
    // From the reserve: the allocator is not asked.
    let (element, trace) = traced(|| MempoolBox::preallocated(task, &pool, 1));
    drop(element);
    check_eq!(trace.events().count(), 0);
    Ok(())
}

fn object_is_dropped_once(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let count = || drops.swap(0, Ordering::Relaxed);
    let pool = Mempool::<Counted<'_>>::kmalloc(&task, 2)?;
    drop(MempoolBox::new(&task, &pool, Counted(&drops)));
    check_eq!(count(), 1);
    drop(MempoolBox::try_new(&task, &pool, Counted(&drops))?);
    check_eq!(count(), 1);
    drop(MempoolBox::new(&task, &pool, Counted(&drops)).into_inner());
    check_eq!(count(), 1);
    drop(MempoolBox::new_uninit(&task, &pool));
    check_eq!(count(), 0);

    let element = MempoolBox::new(&task, &pool, Counted(&drops));
    let ptr = &raw const *element;
    let ((), trace) = traced(|| drop(element));
    check_eq!(trace.frees(ptr), 1);
    Ok(())
}

fn resize_up_and_down(task: &mut TaskCx) -> Outcome {
    let pool = Mempool::<[u8; 256]>::kmalloc(&task, 2)?;
    let element = MempoolBox::preallocated(task, &pool, [1; 256])?;
    pool.resize(task, 10)?;
    // Filled up, while one was away.
    check!(pool.min_nr() == 10 && pool.curr_nr() == 10);
    drop(element);
    check_eq!(pool.curr_nr(), 10);
    let (result, trace) = traced(|| pool.resize(task, 4));
    result?;
    check!(pool.min_nr() == 4 && pool.curr_nr() == 4);
    check_eq!(trace.events().filter(|event| event.is_free).count(), 6);
    pool.resize(task, 1)?;
    check!(pool.min_nr() == 1 && pool.curr_nr() == 1);
    Ok(())
}

/// One makes the reserve smaller while the other makes it smaller still and larger again, in less
/// memory. Whoever is last has filled it.
/// Without room for a larger reserve nothing changes; without an element it is left to those that
/// come back.
fn resize_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    let pool = Mempool::<[u8; 256]>::kmalloc(&task, 2)?;
    let resized = refused(c"__kmalloc_noprof", || pool.resize(task, 5))?;
    check_eq!(resized, Err(ENOMEM));
    check!(pool.min_nr() == 2 && pool.curr_nr() == 2);
    refused(c"mempool_kmalloc", || pool.resize(task, 5))??;
    check!(pool.min_nr() == 5 && pool.curr_nr() == 2);
    let elements = [(); 3].map(|()| MempoolBox::new(&task, &pool, [1; 256]));
    check_eq!(pool.curr_nr(), 2);
    drop(elements);
    check_eq!(pool.curr_nr(), 5);
    Ok(())
}

fn resize_on_two_cpus_at_once(task: &mut TaskCx) -> Outcome {
    const ROUNDS: usize = 20_000;
    let pool = Mempool::<u64>::kmalloc(&task, 6)?;
    let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wait = |count: &AtomicUsize, round| {
        while count.load(Ordering::Acquire) != round {
            testlib::cond_resched();
        }
    };
    let (mut failed, mut wrong) = (0, 0);
    testlib::on_another_cpu(
        |task| {
            for round in 1..=ROUNDS {
                wait(&begun, round);
                let results = [pool.resize(task, 1), pool.resize(task, 2)];
                failed += results.iter().flatten().count().abs_diff(2);
                ended.store(round, Ordering::Release);
            }
        },
        || {
            for round in 1..=ROUNDS {
                wrong += usize::from(pool.resize(task, 6).is_err());
                begun.store(round, Ordering::Release);
                wrong += usize::from(pool.resize(task, 3).is_err());
                wait(&ended, round);
                wrong += usize::from(pool.curr_nr() != pool.min_nr());
            }
        },
    )?;
    check_eq!((failed, wrong), (0, 0));
    pool.resize(task, 16)?;
    let taken = [(); 16].map(|()| MempoolBox::preallocated(task, &pool, 7));
    check!(MempoolBox::preallocated_uninit(task, &pool).is_err());
    check!(taken.iter().flatten().map(|element| **element).eq([7; 16]));
    drop(taken);
    check_eq!(pool.curr_nr(), 16);
    Ok(())
}

fn pinned_initialisers(task: &mut TaskCx) -> Outcome {
    let pool = Mempool::<SpinLock<u32>>::kmalloc(&task, 1)?;
    let Ok(pinned) = MempoolBox::pin_init(&task, &pool, new_spinlock!(2u32));
    check_eq!(task.locked(&pinned, |value, _| *value), 2);
    let pinned = MempoolBox::try_pin_init(task.with(GFP_ATOMIC), &pool, new_spinlock!(3u32))?;
    check_eq!(task.locked(&pinned, |value, _| *value), 3);
    Ok(())
}

// Bulks ----------------------------------------------------------------------------------------------------------------

fn bulk_is_one_owner(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let args = Args::new(c"kalloc_test_pool").no_merge();
    let cache = Cache::<(usize, Counted<'_>)>::create(task, &args)?;
    let pool = Mempool::<_, _, 4>::slab(&task, 6, &cache)?;
    let reserve = [(); 4].map(|()| MempoolBox::preallocated_uninit(task, &pool));
    check_eq!(pool.curr_nr(), 2);
    let mut bulk = MempoolBulk::<_, 4, _, _, 4>::from_fn(task, &pool, |i| (i, Counted(&drops)));
    check_eq!(pool.curr_nr(), 2);
    bulk[2].0 += 10;
    check_eq!(bulk.iter().map(|object| object.0).sum::<usize>(), 16);
    drop(bulk);
    check_eq!(drops.swap(0, Ordering::Relaxed), 4);
    check_eq!(pool.curr_nr(), 6);
    // Now the reserve has no need of the last ones that come back.
    let one = MempoolBox::preallocated_uninit(task, &pool)?;
    let bulk = MempoolBulk::<_, 4, _, _, 4>::from_fn(task, &pool, |i| (i, Counted(&drops)));
    drop(bulk);
    check_eq!(drops.load(Ordering::Relaxed), 4);
    check_eq!(pool.curr_nr(), 6);
    drop((one, reserve));
    check_eq!(pool.curr_nr(), 6);
    // In the order of their index.
    let order = DropOrder::new();
    let digits = Mempool::<_, KmallocBacked, 4>::kmalloc(&task, 4)?;
    drop(MempoolBulk::<_, 4, _, _, 4>::from_fn(task, &digits, |i| {
        order.digit(i + 1)
    }));
    check_eq!(order.take(), 0x1234);
    // The cache has them, and those of the reserve.
    drop(pool);
    check!(cache.shrink(task));
    Ok(())
}

// Contexts -------------------------------------------------------------------------------------------------------------

fn use_and_drop_in_each_context(task: &mut TaskCx) -> Outcome {
    let pool = Mempool::<u64>::kmalloc(&task, 4)?;
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    let kept = MempoolBox::new(&task, &pool, 0);
    let bulk = MempoolBulk::<_, 1, _>::from_fn(task, &pool, |_| 1u64);
    task.locked(&lock, |(), cx| -> Result {
        drop(kept);
        drop(bulk);
        drop(MempoolBox::try_new(&cx, &pool, 1)?);
        drop(MempoolBox::preallocated(cx, &pool, 1)?);
        Ok(())
    })?;
    task.rcu_read(|_guard, cx| MempoolBox::try_new(&cx, &pool, 2).map(drop))?;
    task.nofs(|cx| drop(MempoolBox::new(&cx, &pool, 3)));
    task.noio(|cx| drop(MempoolBox::new(&cx, &pool, 4)));
    MempoolBox::preallocated(&task.as_irq(), &pool, 5).map(drop)?;
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        task.irqs_off(|cx| MempoolBox::preallocated(cx, &pool, 6).map(drop))?;
        let bulk = MempoolBulk::<_, 1, _>::from_fn(task, &pool, |_| 1u64);
        task.irqs_off(|cx| -> Result {
            drop(bulk);
            drop(MempoolBox::try_new(&cx, &pool, 6)?);
            Ok(())
        })?;
        task.preempt_off(|cx| MempoolBox::try_new(&cx, &pool, 7).map(drop))?;
    }
    check_eq!(pool.curr_nr(), 4);
    Ok(())
}

/// From the allocator, which is asked with the flags of there, and from the reserve.
fn made_in_each_atomic_context(task: &mut TaskCx) -> Outcome {
    let flags = bits(c"GFP_ATOMIC") | added();
    let pool = Mempool::<[u8; 1000]>::kmalloc(&task, 2)?;
    check_in_each_atomic_context!(task, |cx| asks_for(
        flags,
        || MempoolBox::try_new(&cx, &pool, [7; 1000]),
        |element| element.as_ptr()
    ));
    let cache = Cache::<u64>::create(task, &Args::new(c"kalloc_test_pool").no_merge())?;
    let pool = Mempool::<_, _>::slab(&task, 2, &cache)?;
    check_in_each_atomic_context!(task, |cx| asks_for(
        flags,
        || MempoolBox::try_new(&cx, &pool, 7),
        |element| (&raw const **element).cast()
    ));
    check_in_each_atomic_context!(task, |cx| {
        let one = MempoolBox::preallocated(cx, &pool, 1);
        let two = MempoolBox::preallocated(cx, &pool, 2);
        let none = MempoolBox::preallocated(cx, &pool, 3);
        one.is_ok() && two.is_ok() && none.is_err_and(|failed| failed.value == 3)
    });
    let pool = Mempool::<[u8; 1000], PageBacked>::pages(&task, 2)?;
    check_in_each_atomic_context!(task, |cx| MempoolBox::try_new(&cx, &pool, [7; 1000])
        .is_ok_and(|element| *element == [7; 1000]));
    Ok(())
}

fn pool_dropped_in_atomic_context(task: &mut TaskCx) -> Outcome {
    let args = Args::new(c"kalloc_test_pool").no_merge();
    let cache = Cache::<u64>::create(task, &args)?;
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    let first = Mempool::<u64>::kmalloc(&task, 4)?;
    let second = Mempool::<_, _>::slab(&task, 4, &cache)?;
    let third = Mempool::<[u8; 4096], PageBacked>::pages(&task, 4)?;
    task.locked(&lock, |(), _cx| drop((first, second, third)));
    check!(cache.shrink(task));

    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        let first = Mempool::<u64>::kmalloc(&task, 4)?;
        let second = Mempool::<_, _>::slab(&task, 4, &cache)?;
        let third = Mempool::<[u8; 4096], PageBacked>::pages(&task, 4)?;
        task.irqs_off(|_cx| drop((first, second, third)));
        check!(cache.shrink(task));
    }
    Ok(())
}

fn arc_keeps_the_pool(task: &mut TaskCx) -> Outcome {
    let pool = Arc::new_with(&task, Mempool::<u64>::kmalloc(&task, 2)?)?;
    let element = MempoolBox::new(&task, pool.clone(), 7);
    drop(pool);
    check_eq!(*element, 7);
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    task.locked(&lock, |(), _cx| drop(element));
    Ok(())
}

fn pool_of_the_module(task: &mut TaskCx) -> Outcome {
    check!(Reserve.get().min_nr() == 3 && Reserve.get().curr_nr() == 3);
    let element = MempoolBox::preallocated(task, Reserve, 7)?;
    check_eq!(Reserve.get().curr_nr(), 2);
    check_eq!(*element, 7);
    let block = MempoolBox::try_pin_init(&task, Blocks, pin_init::init_zeroed::<[u8; 8192]>())?;
    check!(aligned(&*block, 8192));
    Ok(())
}

/// On PREEMPT_RT the pool is leaked there. Other kernels free it, and lockdep must not take that for
/// a free that PREEMPT_RT makes: the page allocator takes a `spinlock_t` for blocks of this order.
fn pool_dropped_with_a_raw_spinlock_held(task: &mut TaskCx) -> Outcome {
    if cfg!(CONFIG_PREEMPT_RT) {
        return Ok(());
    }
    let lock = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
    let pool = Mempool::<[u8; PAGE_SIZE << 5], PageBacked>::pages(&*task, 1)?;
    task.raw_locked(&lock, |(), _| drop(pool));
    Ok(())
}
