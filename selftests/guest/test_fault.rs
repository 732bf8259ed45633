// SPDX-License-Identifier: GPL-2.0

//! Out of memory, at each allocation in turn: the first of them fails, then the second, until none
//! does. What an allocator made before the failure must be gone, what the caller handed in must come
//! back, and the next attempt works. What leaks, kmemleak finds when the modules are unloaded.

use core::sync::atomic::{AtomicUsize, Ordering};
use kalloc::{
    mempool::{Mempool, PageBacked},
    page::alloc_bulk,
    prelude::*,
    size::Flex,
    slab::{Args, Cache, SlabBox},
};
use kernel::{new_spinlock, page::PAGE_SIZE, sync::Arc};
use testlib::{c, check, check_eq, Counted, Outcome, Stop};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_fault":
    boxes,
    boxes_of_vmalloc,
    realloc_keeps_the_old_memory,
    vectors_keep_what_they_have,
    pages,
    slab_objects,
    memory_pools,
    object_pools,
    boxes_for_rcu,
    boxes_of_the_kernel_crate,
}

/// Runs `f` again and again, with another of its allocations failing each time, until none does; and
/// says how often it gave an error. It must not when nothing fails.
fn walk<T, E>(mut f: impl FnMut() -> Result<T, E>) -> Result<usize, Stop> {
    let mut errors = 0;
    for nth in 1..1000 {
        // SAFETY: It has no preconditions.
        if !unsafe { c::testlib_fail_nth(nth) } {
            return Err(Stop::Skip("no fault injection"));
        }
        let result = f();
        // SAFETY: It has no preconditions.
        let failed = unsafe { c::testlib_has_failed() };
        if !failed {
            check!(result.is_ok());
            return Ok(errors);
        }
        // The kernel itself can do without some of what it allocates on the way.
        errors += usize::from(result.is_err());
    }
    pr_info!("# it never works\n");
    Err(Stop::Fail)
}

/// Walks through each expression, which fails at least once.
macro_rules! walk_each {
    ($($make:expr,)*) => {$( check!(walk(|| $make)? > 0); )*};
}

/// A walk in which `f` has values that are dropped as often as they are made.
fn walk_with_values<T, E>(mut f: impl FnMut(&dyn Fn() -> Value) -> Result<T, E>) -> Outcome {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    MADE.store(0, Ordering::Relaxed);
    DROPPED.store(0, Ordering::Relaxed);
    walk(|| {
        f(&|| {
            MADE.fetch_add(1, Ordering::Relaxed);
            Counted(&DROPPED)
        })
    })?;
    check!(MADE.load(Ordering::Relaxed) > 0);
    check_eq!(
        MADE.load(Ordering::Relaxed),
        DROPPED.load(Ordering::Relaxed)
    );
    Ok(())
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);
type Value = Counted<'static>;

fn boxes(task: &mut TaskCx) -> Outcome {
    walk_each!(
        KBox::<[u8; 100]>::new_uninit(&task),
        KBox::<[u8; 100]>::zeroed(&task),
        KBox::<[u8; 5000]>::zeroed(&task),
        KBox::<[u8]>::zeroed_slice(&task, 100),
        KBox::<[u8]>::new_uninit_slice(task.with(GFP_ATOMIC), 100),
        KBox::<[u8; 64 << 10]>::new_uninit(&task),
        KBox::pin_init(&task, new_spinlock!(1u32)),
    );
    walk_with_values(|value| KBox::new(&task, value()).map(drop))?;
    walk_with_values(|value| KBox::from_fn(&task, 10, |_| value()).map(drop))?;
    walk_with_values(|value| Flex::new(&task, value(), 3, |_| value()).map(drop))?;
    // What could not be stored is in the error.
    let mut back = 0;
    check_eq!(
        walk(|| KBox::new(&task, 7u32).map_err(|failed| back += failed.value))?,
        1
    );
    check_eq!(back, 7);
    Ok(())
}

fn boxes_of_vmalloc(task: &mut TaskCx) -> Outcome {
    walk_each!(
        VBox::<[u8; 10000]>::zeroed(task.with(GFP_KERNEL.nowarn())),
        KVBox::<[u8; 100]>::zeroed(task.with(GFP_KERNEL.nowarn())),
    );
    // When kmalloc fails there is vmalloc.
    check_eq!(
        walk(|| KVBox::<[u8; 1 << 20]>::zeroed(task.with(GFP_KERNEL.nowarn())))?,
        0
    );
    walk_with_values(|value| {
        KVBox::from_fn(task.with(GFP_KERNEL.nowarn()), 1000, |_| value()).map(drop)
    })
}

fn realloc_keeps_the_old_memory(task: &mut TaskCx) -> Outcome {
    let mut memory = Some(KBox::from_fn(&task, 10, |_| 7u64)?);
    walk(|| {
        let old = memory.take().ok_or(())?;
        let len = old.len() * 2;
        match old.resize(&task, len, 7) {
            Ok(new) => {
                memory = Some(new);
                Ok(())
            }
            Err(failed) => {
                memory = Some(failed.value);
                Err(())
            }
        }
    })?;
    let memory = memory.ok_or(ENOMEM)?;
    check!(memory.len() > 10 && memory.iter().all(|value| *value == 7));
    Ok(())
}

fn vectors_keep_what_they_have(task: &mut TaskCx) -> Outcome {
    walk_each!(KVec::<u64>::with_capacity(&task, 100),);
    check_eq!(
        walk(|| KVVec::<u64>::with_capacity(task.with(GFP_KERNEL.nowarn()), 100_000))?,
        0
    );
    walk_with_values(|value| {
        let mut values = KVec::new();
        for len in 0..100 {
            if let Err(failed) = values.push(&task, value()) {
                drop(failed.value);
                // None of the others is lost.
                return if values.len() == len { Err(()) } else { Ok(()) };
            }
        }
        Ok(())
    })
}

fn pages(task: &mut TaskCx) -> Outcome {
    walk_each!(
        Pages::new_uninit(&task, Order::<0>),
        Pages::zeroed(&task, Order::<3>),
        FreePages::zeroed(task.with(GFP_ATOMIC), Order::<1>),
        ExactPages::zeroed(&task, 3 * PAGE_SIZE),
    );
    walk(|| {
        let mut pages = [const { None }; 8];
        let got = alloc_bulk(&task, &mut pages);
        check_eq!(pages.iter().flatten().count(), got);
        if got == pages.len() {
            Ok(())
        } else {
            Err(Stop::Fail)
        }
    })?;
    Ok(())
}

fn slab_objects(task: &mut TaskCx) -> Outcome {
    let cache = Cache::<Value>::create(task, &Args::new(c"kalloc_test_fault").no_merge())?;
    walk_with_values(|value| SlabBox::new(&task, &cache, value()).map(drop))?;
    // Together with the slab that they are in, which a failure leaves unmade.
    walk_with_values(|value| {
        let mut objects = [const { None }; 60];
        for place in &mut objects {
            *place = Some(SlabBox::new(&task, &cache, value())?);
        }
        Ok::<_, Error>(())
    })
}

fn memory_pools(task: &mut TaskCx) -> Outcome {
    let cache = Cache::<u64>::create(task, &Args::new(c"kalloc_test_fault").no_merge())?;
    walk_each!(
        Mempool::<[u8; 1000]>::kmalloc(&task, 3),
        Mempool::<[u8; 1000], PageBacked>::pages(&task, 3),
        Mempool::<_, _>::slab(&task, 3, &cache),
    );
    Ok(())
}

fn object_pools(task: &mut TaskCx) -> Outcome {
    walk_with_values(|value| ObjPool::new(task.with(GFP_KERNEL.nowarn()), 4, |_| value()).map(drop))
}

fn boxes_for_rcu(task: &mut TaskCx) -> Outcome {
    walk(|| RcuBox::new(&task, [1u64; 8]).map(drop))?;
    let mut back = 0;
    check_eq!(
        walk(|| RcuBox::new(&task, 7u32).map_err(|failed| back += failed.value))?,
        1
    );
    check_eq!(back, 7);
    Ok(())
}

fn boxes_of_the_kernel_crate(task: &mut TaskCx) -> Outcome {
    walk(|| Arc::new_with(&task, [1u64; 8]))?;
    walk_with_values(|value| Arc::new_with(&task, value()).map(drop))
}
