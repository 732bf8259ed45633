// SPDX-License-Identifier: GPL-2.0

//! What is dropped with interrupts or preemption disabled, on every kernel: the memory comes back,
//! and the kernel does not complain. On PREEMPT_RT it waits for a thread.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    mempool::{Mempool, MempoolBox},
    prelude::*,
    slab::{
        self, Args, Cache, Construct, Constructed, ConstructedBox, ConstructedCache, SlabBox,
        SlabBulk,
    },
    sync::{new_raw_spinlock, RawSpinLock},
};
use testlib::{c, check, check_eq, in_hardirq, Outcome, Stop};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_deferred_free":
    small_boxes,
    boxes,
    vectors,
    large_boxes,
    sensitive_boxes,
    what_a_value_owns,
    pages,
    slab_objects,
    slab_bulk,
    constructed_objects,
    elements_of_a_pool,
    per_cpu_memory,
    in_a_hard_interrupt,
    many,
}

/// How many of them are dropped each time: enough to see that none stays, where that can be seen.
const MANY: usize = if SEEN { 2000 } else { 20 };
/// KASAN keeps back what is freed; there kmemleak looks.
const SEEN: bool = !cfg!(CONFIG_KASAN);

/// Runs `f` in each kind of section in which PREEMPT_RT cannot free.
fn in_each(
    task: &mut TaskCx,
    mut f: impl FnMut(&mut TaskCx, fn(&mut TaskCx, &RawSpinLock<()>, &mut dyn FnMut())) -> Outcome,
) -> Outcome {
    f(task, |task, _, f| task.irqs_off(|_| f()))?;
    f(task, |task, _, f| task.preempt_off(|_| f()))?;
    f(task, |task, lock, f| task.raw_locked(lock, |(), _| f()))
}

/// Drops what `make` makes, in each kind of section, and looks whether memory comes back.
fn dropped<T>(
    task: &mut TaskCx,
    pages: usize,
    make: impl Fn(&TaskCx) -> Result<T, Stop>,
) -> Outcome {
    let lock = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
    in_each(task, |task, section| {
        settle(task);
        let before = testlib::free_pages();
        for _ in 0..MANY {
            let mut value = Some(make(task)?);
            section(task, &lock, &mut || drop(value.take()));
        }
        settle(task);
        let after = testlib::free_pages();
        if SEEN && after + pages / 2 < before {
            pr_info!("# {} pages fewer are free\n", before - after);
            return Err(Stop::Fail);
        }
        Ok(())
    })
}

/// Lets the thread run that frees, and what frees later anyway.
fn settle(task: &mut TaskCx) {
    for _ in 0..5 {
        task.fsleep(kernel::time::Delta::from_millis(2));
    }
    testlib::kvfree_rcu_barrier();
    task.rcu_barrier();
}

/// What is dead has room for a node, where it has to wait in a list: the kernel would see that it is
/// written to behind its end.
fn small_boxes(task: &mut TaskCx) -> Outcome {
    let least = |bytes| if cfg!(CONFIG_PREEMPT_RT) { 8 } else { bytes };
    let (small, trace) = testlib::traced(|| KBox::new(&*task, 1u8));
    let small = small?;
    let asked = trace.allocation(&raw const *small).ok_or(Stop::Fail)?;
    check_eq!(asked.size, least(1));
    let (list, trace) = testlib::traced(|| KVVec::<u8>::with_capacity(&*task, 3));
    let list = list?;
    let asked = trace.allocation(list.as_ptr()).ok_or(Stop::Fail)?;
    check_eq!((asked.size, list.capacity()), (least(3), 3));
    drop((small, list));
    dropped(task, MANY, |task| Ok(KBox::new(task, 1u8)?))?;
    dropped(task, MANY, |task| Ok(KVBox::new(task, [1u8; 3])?))?;
    dropped(task, MANY, |task| Ok(KVec::from_elem(task, 1u8, 1)?))?;
    dropped(task, MANY, |task| Ok(KBox::from_slice(task, &[1u8, 2])?))?;
    dropped(task, MANY, |task| {
        let mut list = KVVec::from_elem(task, 1u8, 100)?;
        list.truncate(1);
        list.shrink_to_fit(task)?;
        Ok(list)
    })?;
    // Memory of the kernel crate, which asks for no more than the value has.
    dropped(task, MANY, |_| {
        let upstream = kernel::alloc::KBox::new(1u8, kernel::alloc::flags::GFP_KERNEL)
            .map_err(kernel::error::Error::from)?;
        Ok(KBox::from(upstream))
    })
}

fn boxes(task: &mut TaskCx) -> Outcome {
    dropped(task, MANY, |task| Ok(KBox::new(task, [1u8; 8])?))?;
    dropped(task, MANY, |task| Ok(KBox::<[u8; 4096]>::zeroed(task)?))?;
    dropped(task, 4 * MANY, |task| {
        Ok(KBox::<[u8; 16384]>::zeroed(task)?)
    })
}

fn vectors(task: &mut TaskCx) -> Outcome {
    dropped(task, MANY, |task| Ok(KVec::from_elem(task, 7u64, 512)?))?;
    dropped(task, MANY, |task| Ok(KVVec::from_elem(task, 7u64, 512)?))
}

fn large_boxes(task: &mut TaskCx) -> Outcome {
    // Of kmalloc, and of vmalloc.
    dropped(task, MANY, |task| Ok(KVBox::<[u8; 4096]>::zeroed(task)?))?;
    dropped(task, MANY, |task| Ok(VBox::<[u8; 4096]>::zeroed(task)?))
}

fn sensitive_boxes(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
    in_each(task, |task, section| {
        let mut key = Some(KBox::new(&*task, [7u8; 4096])?);
        section(task, &lock, &mut || {
            if let Some(key) = key.take() {
                key.free_sensitive()
            }
        });
        Ok(())
    })
}

fn what_a_value_owns(task: &mut TaskCx) -> Outcome {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    struct Counts(#[allow(dead_code)] KBox<[u8; 4096]>);
    impl Drop for Counts {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }
    let lock = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
    in_each(task, |task, section| {
        let before = DROPPED.load(Relaxed);
        let mut value = Some(KBox::new(&*task, Counts(KBox::zeroed(&*task)?))?);
        let mut at_once = 0;
        section(task, &lock, &mut || {
            drop(value.take());
            at_once = DROPPED.load(Relaxed) - before;
        });
        check_eq!(at_once, 1);
        Ok(())
    })
}

fn pages(task: &mut TaskCx) -> Outcome {
    dropped(task, MANY, |task| Ok(Pages::zeroed(task, Order::<0>)?))?;
    dropped(task, 8 * MANY, |task| Ok(Pages::zeroed(task, Order::<3>)?))?;
    dropped(task, 2 * MANY, |task| {
        Ok(FreePages::zeroed(task, Order::<1>)?)
    })?;
    dropped(task, 3 * MANY, |task| {
        Ok(ExactPages::zeroed(task, 3 * 4096)?)
    })
}

fn slab_objects(task: &mut TaskCx) -> Outcome {
    let small = Cache::<u8>::create(&*task, &Args::new(c"test_dead_small").no_merge())?;
    let large = Cache::<[u8; 2048]>::create(&*task, &Args::new(c"test_dead_large").no_merge())?;
    dropped(task, MANY, |task| {
        Ok((
            SlabBox::new(task, &small, 1)?,
            SlabBox::new(task, &large, [0; 2048])?,
        ))
    })?;
    // The kernel complains of a cache that still has objects.
    let lock = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
    let mut last = Some(SlabBox::new(&*task, &small, 1)?);
    task.raw_locked(&lock, |(), _| drop(last.take()));
    drop(last);
    small.destroy(task);
    let mut last = Some(SlabBox::new(&*task, &large, [0; 2048])?);
    task.raw_locked(&lock, |(), _| drop(last.take()));
    drop(last);
    drop(large);
    slab::destroy_dropped(task);
    Ok(())
}

fn slab_bulk(task: &mut TaskCx) -> Outcome {
    let cache = Cache::<[u8; 256]>::create(&*task, &Args::new(c"test_dead_bulk").no_merge())?;
    dropped(task, MANY, |task| {
        Ok(SlabBulk::<_, 16, _>::from_fn(task, &cache, |i| {
            [i as u8; 256]
        })?)
    })
}

struct Session {
    constructed: u64,
    used: u64,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        pin_init::init!(Session {
            constructed: 7,
            used: 0
        })
    }
}

impl Constructed for Session {
    fn reset(self: Pin<&mut Self>) {
        self.get_mut().used = 0;
    }
}

/// An object that waits stays constructed.
fn constructed_objects(task: &mut TaskCx) -> Outcome {
    let cache =
        ConstructedCache::<Session>::create(&*task, &Args::new(c"test_dead_session").no_merge())?;
    dropped(task, MANY, |task| {
        let mut session = ConstructedBox::new(task, &cache)?;
        check!(session.constructed == 7 && session.used == 0);
        session.as_mut().get_mut().used = 1;
        Ok(session)
    })
}

fn elements_of_a_pool(task: &mut TaskCx) -> Outcome {
    let small = Mempool::<u8>::kmalloc(&*task, 4)?;
    let large = Mempool::<[u8; 8192], _>::pages(&*task, 4)?;
    dropped(task, 3 * MANY, |task| {
        Ok((
            MempoolBox::new(task, &small, 1),
            MempoolBox::new(task, &large, [0; 8192]),
        ))
    })?;
    check_eq!((small.curr_nr(), large.curr_nr()), (4, 4));
    // The last elements wait while the pool goes.
    let lock = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
    let mut last = Some([
        MempoolBox::new(&*task, &small, 1),
        MempoolBox::new(&*task, &small, 2),
    ]);
    task.raw_locked(&lock, |(), _| drop(last.take()));
    drop(last);
    drop(small);
    Ok(())
}

fn per_cpu_memory(task: &mut TaskCx) -> Outcome {
    dropped(task, MANY, |task| {
        Ok(PerCpu::from_fn(task, |_| AtomicU32::new(0))?)
    })?;
    dropped(task, MANY, |task| {
        Ok(PerCpu::from_fn(task, |_| [0u64; 128])?)
    })
}

fn in_a_hard_interrupt(task: &mut TaskCx) -> Outcome {
    let cache = Cache::<[u8; 256]>::create(&*task, &Args::new(c"test_dead_irq").no_merge())?;
    for _ in 0..MANY / 20 {
        let mut all = Some((
            KBox::<[u8; 64]>::zeroed(&*task)?,
            KBox::<[u8; 16384]>::zeroed(&*task)?,
            KVBox::<[u8; 4096]>::zeroed(&*task)?,
            VBox::<[u8; 4096]>::zeroed(&*task)?,
            Pages::zeroed(&*task, Order::<2>)?,
            SlabBox::new(&*task, &cache, [0; 256])?,
            PerCpu::from_fn(&*task, |_| AtomicU32::new(0))?,
        ));
        let mut seen = false;
        in_hardirq(|_cx| {
            seen = testlib::is_in_hardirq();
            drop(all.take());
        })?;
        check!(seen && all.is_none());
    }
    Ok(())
}

/// More than the thread has freed when the next ones come.
fn many(task: &mut TaskCx) -> Outcome {
    settle(task);
    let before = testlib::free_pages();
    for _ in 0..20 {
        let mut list = KVec::new();
        for _ in 0..200 {
            list.push(&*task, KBox::<[u8; 4096]>::zeroed(&*task)?)?;
        }
        task.irqs_off(|_| drop(list));
    }
    settle(task);
    let after = testlib::free_pages();
    check!(!SEEN || after + 2000 > before);
    // SAFETY: It has no preconditions.
    check!(unsafe { c::testlib_preemptible() });
    Ok(())
}
