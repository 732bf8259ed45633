// SPDX-License-Identifier: GPL-2.0

//! Object pools: contents, ownership, limits, and use in each context, a real NMI among them.

use core::{
    mem::align_of,
    sync::atomic::{AtomicUsize, Ordering},
};
use kalloc::{
    objpool::{self, PoolBox},
    prelude::*,
};
use kernel::new_spinlock;
use testlib::{
    check, check_eq, in_hardirq, in_nmi, in_nmi_if_any, is_in_hardirq, is_in_nmi, Counted, Outcome,
};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_objpool":
    each_object_is_initialised_once,
    all_objects_and_no_more,
    objects_keep_their_contents,
    in_each_context,
    in_a_hard_interrupt,
    in_an_nmi,
    nmi_gives_back_to_everyone,
    nmi_over_pushes,
    failing_initialiser_drops_what_was_made,
    values_drop_once,
    leaked_object_is_not_dropped,
    owned_object_keeps_the_pool,
    drop_in_each_context,
    free_at_once,
    limits_are_errors,
    alignment_and_no_size,
    largest_object,
    many_rounds,
}

fn each_object_is_initialised_once(task: &mut TaskCx) -> Outcome {
    for nr in [1, 2, 3, 7, 64, 1000] {
        let seen = KBox::from_fn(&task, nr, |_| AtomicUsize::new(0))?;
        let pool = ObjPool::new(&task, nr, |number| {
            seen[number].fetch_add(1, Ordering::Relaxed);
            number
        })?;
        check!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) == 1));
        check_eq!(pool.capacity(), nr);
        let mut left = nr;
        let mut popped = KBox::from_fn(&task, nr, |_| None)?;
        while let Some(object) = pool.pop() {
            seen[*object].fetch_add(1, Ordering::Relaxed);
            left -= 1;
            popped[left] = Some(object);
        }
        check_eq!(left, 0);
        check!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) == 2));
    }
    Ok(())
}

fn all_objects_and_no_more(task: &mut TaskCx) -> Outcome {
    let pool = ObjPool::new(&task, 3, |number| number)?;
    let (a, b, c) = (pool.pop(), pool.pop(), pool.pop());
    check!(a.is_some() && b.is_some() && c.is_some());
    check!(pool.pop().is_none());
    drop(b);
    let b = pool.pop();
    check!(b.is_some() && pool.pop().is_none());
    Ok(())
}

fn objects_keep_their_contents(task: &mut TaskCx) -> Outcome {
    let pool = ObjPool::new(&task, 1, |_| 7u64)?;
    for expected in 7..100 {
        let Some(mut object) = pool.pop() else {
            return Err(ENOMEM.into());
        };
        check_eq!(*object, expected);
        *object += 1;
    }
    Ok(())
}

/// Takes and gives back; whether it worked.
fn used(pool: &ObjPool<u64>) -> bool {
    pool.pop().is_some_and(|mut object| {
        *object += 1;
        true
    })
}

fn in_each_context(task: &mut TaskCx) -> Outcome {
    let pool = ObjPool::new(&task, 2, |_| 0u64)?;
    check!(used(&pool));
    check!(task.nofs(|_| used(&pool)));
    check!(task.noio(|_| used(&pool)));
    check!(task.rcu_read(|_, _| used(&pool)));
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    check!(task.locked(&lock, |_, _| used(&pool)));
    check!(task.irqs_off(|_| used(&pool)));
    check!(task.preempt_off(|_| used(&pool)));
    Ok(())
}

fn in_a_hard_interrupt(task: &mut TaskCx) -> Outcome {
    let pool = ObjPool::new(&task, 2, |_| 0u64)?;
    let mut worked = false;
    in_hardirq(|_| worked = is_in_hardirq() && used(&pool))?;
    check!(worked);
    Ok(())
}

fn in_an_nmi(task: &mut TaskCx) -> Outcome {
    let pool = ObjPool::new(&task, 2, |_| 0u64)?;
    for _ in 0..10 {
        let mut worked = 0;
        in_nmi(|_| {
            for _ in 0..10 {
                worked += usize::from(is_in_nmi() && used(&pool));
            }
        })?;
        check_eq!(worked, 10);
    }
    let mut sum = 0;
    let objects = (pool.pop(), pool.pop());
    if let (Some(a), Some(b)) = &objects {
        sum = **a + **b;
    }
    check_eq!(sum, 100);
    check!(pool.pop().is_none());
    Ok(())
}

/// What goes back in an NMI is there for who comes next, in process context and in another NMI.
fn nmi_gives_back_to_everyone(task: &mut TaskCx) -> Outcome {
    const NR: usize = 8;
    type Kept<'p> = [Option<PoolBox<usize, &'p ObjPool<usize>>>; NR];
    let pool = ObjPool::new(&task, NR, |number| number)?;
    fn pop_all<'p>(pool: &'p ObjPool<usize>, kept: &mut Kept<'p>) -> bool {
        let mut seen = [false; NR];
        for kept in kept.iter_mut() {
            *kept = pool.pop();
            if let Some(object) = kept {
                seen[**object] = true;
            }
        }
        seen == [true; NR] && pool.pop().is_none()
    }
    let mut kept = [const { None }; NR];
    check!(pop_all(&pool, &mut kept));
    for _ in 0..10 {
        in_nmi(|_| kept.iter_mut().for_each(|kept| drop(kept.take())))?;
        check!(pop_all(&pool, &mut kept));
        in_nmi(|_| kept.iter_mut().for_each(|kept| drop(kept.take())))?;
        let mut all = false;
        in_nmi(|_| all = pop_all(&pool, &mut kept))?;
        check!(all);
    }
    Ok(())
}

/// NMIs that come in the middle of pops and pushes of the same CPU: no object has two owners.
fn nmi_over_pushes(task: &mut TaskCx) -> Outcome {
    const NR: usize = 4;
    let pool = ObjPool::new(&task, NR, |_| AtomicUsize::new(0))?;
    let twice = AtomicUsize::new(0);
    let rounds = AtomicUsize::new(0);
    let pop = || {
        let object = pool.pop()?;
        if object.swap(1, Ordering::Relaxed) != 0 {
            twice.fetch_add(1, Ordering::Relaxed);
        }
        Some(object)
    };
    let push = |object: PoolBox<AtomicUsize, &_>| {
        object.store(0, Ordering::Relaxed);
        drop(object);
    };
    testlib::nmi_storm(
        1000,
        || {
            for _ in 0..100 {
                pop().map(push);
            }
        },
        |_| {
            // All that there are, and one again after it went back.
            let mut kept = [const { None }; NR + 1];
            kept.iter_mut().for_each(|kept| *kept = pop());
            for _ in 0..NR {
                kept[0].take().map(push);
                kept[0] = pop();
            }
            kept.iter_mut().for_each(|kept| {
                kept.take().map(push);
            });
            rounds.fetch_add(1, Ordering::Relaxed);
        },
    )?;
    check!(rounds.load(Ordering::Relaxed) != 0);
    check_eq!(twice.load(Ordering::Relaxed), 0);
    let mut left = [const { None }; NR];
    left.iter_mut().for_each(|left| *left = pool.pop());
    check!(left.iter().all(Option::is_some) && pool.pop().is_none());
    Ok(())
}

static DROPS: AtomicUsize = AtomicUsize::new(0);
fn drops() -> usize {
    DROPS.swap(0, Ordering::Relaxed)
}

fn failing_initialiser_drops_what_was_made(task: &mut TaskCx) -> Outcome {
    drops();
    for fails in 0..5 {
        let made = ObjPool::try_new(&task, 5, |number| {
            if number == fails {
                Err(EBUSY)
            } else {
                Ok(Counted(&DROPS))
            }
        });
        check_eq!(made.err(), Some(EBUSY));
        check_eq!(drops(), fails);
    }
    let pool = ObjPool::try_new(&task, 5, |_| Ok::<_, Error>(Counted(&DROPS)))?;
    check_eq!(drops(), 0);
    drop(pool);
    check_eq!(drops(), 5);
    Ok(())
}

fn values_drop_once(task: &mut TaskCx) -> Outcome {
    drops();
    let pool = ObjPool::new(&task, 6, |_| Counted(&DROPS))?;
    drop(pool.pop());
    let mut kept = pool.pop();
    // One of them is on the list of the NMI when the pool goes.
    in_nmi_if_any(|_| drop(kept.take()))?;
    drop(kept);
    check_eq!(drops(), 0);
    drop(pool);
    check_eq!(drops(), 6);
    Ok(())
}

fn leaked_object_is_not_dropped(task: &mut TaskCx) -> Outcome {
    drops();
    let pool = ObjPool::new(&task, 4, |_| Counted(&DROPS))?;
    core::mem::forget(pool.pop());
    drop(pool);
    check_eq!(drops(), 3);
    Ok(())
}

fn owned_object_keeps_the_pool(task: &mut TaskCx) -> Outcome {
    let pool = ObjPool::new(&task, 2, |number| number)?;
    let (Some(a), Some(b)) = (pool.pop_owned(), pool.pop_owned()) else {
        return Err(ENOMEM.into());
    };
    drop(pool);
    check_eq!(*a + *b, 1);
    drop(a);
    check!(*b < 2);
    // The last one, where nothing could be freed at once.
    let mut last = Some(b);
    in_nmi_if_any(|_| drop(last.take()))?;
    drop(last);
    Ok(())
}

fn drop_in_each_context(task: &mut TaskCx) -> Outcome {
    for nr in [1, 1000] {
        let make = |task: &mut TaskCx| ObjPool::new(&task, nr, |number| [number; 4]);
        let mut pool = Some(make(task)?);
        task.irqs_off(|_| drop(pool.take()));
        pool = Some(make(task)?);
        task.preempt_off(|_| drop(pool.take()));
        pool = Some(make(task)?);
        let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
        task.locked(&lock, |_, _| drop(pool.take()));
        pool = Some(make(task)?);
        task.rcu_read(|_, _| drop(pool.take()));
        pool = Some(make(task)?);
        in_hardirq(|_| drop(pool.take()))?;
        pool = Some(make(task)?);
        check_eq!(in_nmi_if_any(|_| drop(pool.take()))?, pool.is_none());
    }
    Ok(())
}

/// A pool of objects that the stack has no room for.
fn big(task: &TaskCx, nr: usize) -> Result<ObjPool<[u8; 16 << 10]>> {
    ObjPool::init::<_, _, core::convert::Infallible>(task.with(GFP_KERNEL.nowarn()), nr, |_| {
        pin_init::init_zeroed()
    })
}

fn free_at_once(task: &mut TaskCx) -> Outcome {
    drops();
    ObjPool::new(&task, 3, |_| Counted(&DROPS))?.free(task);
    check_eq!(drops(), 3);
    task.nofs(|cx| -> Outcome {
        ObjPool::new(&cx, 3, |_| Counted(&DROPS))?.free(cx);
        Ok(())
    })?;
    check_eq!(drops(), 3);
    // More than is there: had it not been freed the next one would fail.
    for _ in 0..testlib::rounds(100) {
        big(task, 1000)?.free(task);
    }
    Ok(())
}

fn limits_are_errors(task: &mut TaskCx) -> Outcome {
    let err = |task: &TaskCx, nr| ObjPool::new(task.with(GFP_KERNEL.nowarn()), nr, |_| 0u64).err();
    check_eq!(err(task, 0), Some(EINVAL));
    check_eq!(err(task, objpool::MAX_OBJECTS + 1), Some(EINVAL));
    check_eq!(err(task, usize::MAX), Some(EINVAL));
    // 2 TiB, of which objpool_init() would compute 0.
    let of_the_largest = |nr| {
        ObjPool::init::<_, _, core::convert::Infallible>(task.with(GFP_KERNEL.nowarn()), nr, |_| {
            pin_init::init_zeroed::<[u8; objpool::MAX_SIZE]>()
        })
    };
    let most = of_the_largest(objpool::MAX_OBJECTS);
    check_eq!(most.err(), Some(EINVAL));
    // More than the guest has, and less than 2 GiB for a CPU.
    let more = of_the_largest(60_000);
    check_eq!(more.err(), Some(ENOMEM));
    Ok(())
}

fn alignment_and_no_size(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($type:ty)*) => {$({
            let pool = ObjPool::new(&task, 5, |_| <$type>::default())?;
            let mut kept = [const { None }; 5];
            for kept in &mut kept {
                *kept = pool.pop();
                let aligned = kept
                    .as_ref()
                    .is_some_and(|object| (&raw const **object).addr() % align_of::<$type>() == 0);
                check!(aligned);
            }
        })*};
    }
    each!(u8 u16 u32 u64 [u8; 3] [u16; 5] (u8, u64) ());
    Ok(())
}

fn largest_object(task: &mut TaskCx) -> Outcome {
    let pool = ObjPool::init::<_, _, core::convert::Infallible>(&task, 4, |_| {
        pin_init::init_zeroed::<[u8; objpool::MAX_SIZE]>()
    })?;
    let mut kept = [const { None }; 4];
    for (number, kept) in kept.iter_mut().enumerate() {
        let Some(mut object) = pool.pop() else {
            return Err(ENOMEM.into());
        };
        object.fill(number as u8);
        *kept = Some(object);
    }
    for (number, kept) in kept.iter().enumerate() {
        let whole = |object: &PoolBox<[u8; objpool::MAX_SIZE], _>| {
            object.iter().all(|&byte| byte == number as u8)
        };
        check!(kept.as_ref().is_some_and(whole));
    }
    Ok(())
}

/// A pool that leaked would not come back.
fn many_rounds(task: &mut TaskCx) -> Outcome {
    for round in 0..testlib::rounds(300) {
        let pool = big(task, 200)?;
        check!(pool.pop().is_some());
        // Freed by the kernel's worker after a grace period.
        drop(pool);
        if round % 20 == 19 {
            testlib::kvfree_rcu_barrier();
        }
    }
    Ok(())
}
