// SPDX-License-Identifier: GPL-2.0

//! Locks and sleeping waits: what the kernel says of the code inside, and that data is guarded.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};
use kalloc::{
    prelude::*,
    sync::{
        new_condvar,
        new_mutex,
        new_raw_spinlock,
        new_raw_spinlock_irq,
        new_rwlock,
        new_spinlock_irq,
        Completion,
        CondVar,
        CondVarTimeoutResult,
        Mutex,
        RawSpinLock,
        RwLock,
        SpinLockIrq, //
    },
};
use kernel::time::{Delta, Instant, Monotonic};
use testlib::{check, check_eq, in_hardirq, on_another_cpu, place, Outcome, Stop, FREE};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_sync":
    spinlock_with_interrupts_off,
    spinlock_shared_with_an_interrupt,
    raw_spinlock,
    raw_spinlock_with_interrupts_off,
    raw_spinlock_shared_with_an_interrupt,
    raw_spinlock_keeps_others_out,
    rwlock,
    rwlock_lets_readers_in,
    rwlock_keeps_others_out,
    pinned_data,
    mutex_does_not_keep_from_sleeping,
    mutex_is_given_up_in_a_wait,
    wait_ends_by_itself,
    completion,
    grace_period,
    delays,
    waits_work_in_scopes,
}

const ON_RT: bool = cfg!(CONFIG_PREEMPT_RT);

fn spinlock_with_interrupts_off(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock_irq!(1u32))?;
    // On PREEMPT_RT a sleeping lock on the RCU read side, with interrupts on.
    let held = (ON_RT, !ON_RT, ON_RT);
    check_eq!(
        task.locked_irq(&lock, |n, cx| {
            *n += u32::from(KBox::new(&cx, 1u32).is_ok());
            (place(), testlib::series::is_taken(&lock))
        }),
        (held, true)
    );
    check_eq!(place(), FREE);
    {
        section!(section = task, lock_irq(&lock));
        *section += 1;
        let (n, cx) = section.split();
        *n += u32::from(KBox::new(&cx, 1u32).is_ok());
        check_eq!(place(), held);
    }
    check_eq!(place(), FREE);
    check_eq!(task.locked_irq(&lock, |n, _| *n), 4);
    // Interrupts stay off until the outer one ends, whichever way they were disabled.
    let other = KBox::pin_init(&task, new_spinlock_irq!(()))?;
    check_eq!(
        task.locked_irq(&lock, |_, cx| {
            cx.locked_irq(&other, |(), _| ());
            cx.irqs_off(|_| ());
            place()
        }),
        held
    );
    #[cfg(not(CONFIG_PREEMPT_RT))]
    check!(task.irqs_off(|cx| {
        cx.locked_irq(&lock, |_, _| ());
        place().1
    }));
    Ok(())
}

/// The interrupt comes after the section, or not at all: else it would wait for ever.
#[cfg(not(CONFIG_PREEMPT_RT))]
fn spinlock_shared_with_an_interrupt(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock_irq!(0u32))?;
    for _ in 0..100 {
        task.locked_irq(&lock, |n, _| *n += 1);
        in_hardirq(|cx| cx.locked_irq(&lock, |n, _| *n += 1))?;
    }
    check_eq!(task.locked_irq(&lock, |n, _| *n), 200);
    Ok(())
}
#[cfg(CONFIG_PREEMPT_RT)]
fn spinlock_shared_with_an_interrupt(_task: &mut TaskCx) -> Outcome {
    Err(Stop::Skip(
        "what is shared with a hard interrupt is under a raw spinlock",
    ))
}

fn raw_spinlock(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_raw_spinlock!(1u32))?;
    let held = (false, false, false);
    check_eq!(
        task.raw_locked(&lock, |n, _cx| {
            *n += 1;
            place()
        }),
        held
    );
    {
        section!(section = task, raw_lock(&lock));
        *section += 1;
        check_eq!(place(), held);
    }
    check_eq!(place(), FREE);
    check_eq!(task.raw_locked(&lock, |n, _| *n), 3);
    Ok(())
}

fn raw_spinlock_with_interrupts_off(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_raw_spinlock_irq!(1u32))?;
    let held = (false, true, false);
    check_eq!(
        task.raw_locked_irq(&lock, |n, _cx| {
            *n += 1;
            place()
        }),
        held
    );
    {
        section!(section = task, raw_lock_irq(&lock));
        *section += 1;
        check_eq!(place(), held);
    }
    check_eq!(place(), FREE);
    check_eq!(task.raw_locked_irq(&lock, |n, _| *n), 3);
    Ok(())
}

fn raw_spinlock_shared_with_an_interrupt(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_raw_spinlock_irq!(0u32))?;
    for _ in 0..100 {
        task.raw_locked_irq(&lock, |n, _| *n += 1);
        in_hardirq(|cx| cx.raw_locked_irq(&lock, |n, _| *n += 1))?;
    }
    check_eq!(task.raw_locked_irq(&lock, |n, _| *n), 200);
    Ok(())
}

const ROUNDS: u32 = 10_000;

/// Adds one in a way that another CPU in between would spoil.
fn add(n: &mut u32) {
    let before = *n;
    core::hint::black_box(&before);
    *n = before + 1;
}

fn raw_spinlock_keeps_others_out(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_raw_spinlock!(0u32))?;
    let count = |task: &mut TaskCx, lock: &RawSpinLock<u32>| {
        for _ in 0..ROUNDS {
            task.raw_locked(lock, |n, _| add(n));
        }
    };
    let lock = &*lock;
    on_another_cpu(|there| count(there, lock), || count(task, lock))?;
    check_eq!(task.raw_locked(lock, |n, _| *n), 2 * ROUNDS);
    Ok(())
}

fn rwlock(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_rwlock!([1u32, 2]))?;
    let held = (ON_RT, false, ON_RT);
    check_eq!(
        task.read_locked(&lock, |data, cx| {
            (data[1], KBox::new(&cx, 1u32).is_ok(), place())
        }),
        (2, true, held)
    );
    check_eq!(place(), FREE);
    check_eq!(
        task.write_locked(&lock, |data, cx| {
            data[1] = 7;
            (KBox::new(&cx, 1u32).is_ok(), place())
        }),
        (true, held)
    );
    check_eq!(place(), FREE);
    {
        section!(section = task, read_lock(&lock));
        let (data, cx) = section.split();
        check!(data[1] == 7 && KBox::new(&cx, 1u32).is_ok());
        check_eq!(place(), held);
    }
    {
        section!(section = task, write_lock(&lock));
        section.split().0[0] = 6;
        check_eq!(place(), held);
    }
    check_eq!(place(), FREE);
    check_eq!(task.read_locked(&lock, |data, _| *data), [6, 7]);
    Ok(())
}

fn rwlock_lets_readers_in(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_rwlock!(7u32))?;
    let (lock, inside, seen) = (&*lock, AtomicBool::new(false), AtomicU32::new(0));
    let beside = AtomicBool::new(false);
    on_another_cpu(
        |there| {
            // Until the other reader is in beside it.
            there.read_locked(lock, |_, _| {
                inside.store(true, Release);
                let start = Instant::<Monotonic>::now();
                while seen.load(Acquire) == 0 && start.elapsed() < Delta::from_secs(10) {
                    core::hint::spin_loop();
                }
                beside.store(seen.load(Acquire) != 0, Relaxed);
            });
        },
        || {
            while !inside.load(Acquire) {
                core::hint::spin_loop();
            }
            seen.store(task.read_locked(lock, |n, _| *n), Release);
        },
    )?;
    check_eq!((seen.load(Relaxed), beside.load(Relaxed)), (7, true));
    Ok(())
}

fn rwlock_keeps_others_out(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_rwlock!([0u32; 2]))?;
    let (lock, torn) = (&*lock, AtomicU32::new(0));
    // A reader and a writer wait until the writer before them is out.
    for reads in [true, false] {
        let (inside, comes) = (AtomicBool::new(false), AtomicBool::new(false));
        on_another_cpu(
            |there| {
                while !inside.load(Acquire) {
                    core::hint::spin_loop();
                }
                comes.store(true, Release);
                let beside = if reads {
                    there.read_locked(lock, |_, _| inside.load(Acquire))
                } else {
                    there.write_locked(lock, |_, _| inside.load(Acquire))
                };
                torn.fetch_add(u32::from(beside), Relaxed);
            },
            || {
                task.write_locked(lock, |_, _| {
                    inside.store(true, Release);
                    while !comes.load(Acquire) {
                        core::hint::spin_loop();
                    }
                    let start = Instant::<Monotonic>::now();
                    while start.elapsed() < Delta::from_millis(20) {
                        core::hint::spin_loop();
                    }
                    inside.store(false, Release);
                });
            },
        )?;
    }
    check_eq!(torn.load(Relaxed), 0);
    let count = |task: &mut TaskCx, lock: &RwLock<[u32; 2]>| {
        for _ in 0..ROUNDS {
            task.write_locked(lock, |[a, b], _| {
                add(a);
                add(b);
            });
            task.read_locked(lock, |[a, b], _| torn.fetch_add(u32::from(a != b), Relaxed));
        }
    };
    on_another_cpu(|there| count(there, lock), || count(task, lock))?;
    check_eq!(task.read_locked(lock, |data, _| *data), [2 * ROUNDS; 2]);
    check_eq!(torn.load(Relaxed), 0);
    Ok(())
}

fn pinned_data(task: &mut TaskCx) -> Outcome {
    struct Pinned(u32, #[allow(dead_code)] core::marker::PhantomPinned);
    let lock = KBox::pin_init(
        &task,
        new_spinlock_irq!(Pinned(7, core::marker::PhantomPinned)),
    )?;
    section!(section = task, lock_irq(&lock));
    check_eq!(section.split_pin().0.as_ref().0, 7);
    Ok(())
}

fn mutex_does_not_keep_from_sleeping(task: &mut TaskCx) -> Outcome {
    let (a, b) = (
        KBox::pin_init(&task, new_mutex!(1u32))?,
        KBox::pin_init(&task, new_mutex!(2u32))?,
    );
    let both = task.mutex_locked(&a, |a, task| -> Result<u32, Stop> {
        // It does, for a moment.
        task.fsleep(Delta::from_millis(1));
        drop(KBox::new(&task, 1u32)?);
        let sum = task.mutex_locked(&b, |b, task| {
            task.cond_resched();
            **a + **b
        });
        check_eq!(place(), FREE);
        Ok(sum)
    })?;
    check_eq!(both, 3);
    check!(a.try_lock().is_some() && b.try_lock().is_some());
    let mut guard = task.mutex_lock(&a);
    check!(a.try_lock().is_none());
    task.fsleep(Delta::from_micros(20));
    *guard = *KBox::new(&task, 7u32)?;
    // Legal, and the token of the section is none that could sleep.
    task.irqs_off(|_cx| drop(guard));
    check_eq!(a.try_lock().map(|n| *n), Some(7));
    Ok(())
}

struct Queue {
    items: Pin<KBox<Mutex<u32>>>,
    filled: Pin<KBox<CondVar>>,
}

fn queue(task: &mut TaskCx) -> Result<Queue> {
    Ok(Queue {
        items: KBox::pin_init(&task, new_mutex!(0u32))?,
        filled: KBox::pin_init(&task, new_condvar!())?,
    })
}

fn mutex_is_given_up_in_a_wait(task: &mut TaskCx) -> Outcome {
    let queue = &queue(task)?;
    let mut taken = 0;
    on_another_cpu(
        |there| {
            for _ in 0..100 {
                there.mutex_locked(&queue.items, |items, there| {
                    while **items == 0 {
                        there.wait(&queue.filled, items);
                    }
                    **items -= 1;
                    taken += 1;
                });
            }
        },
        || {
            for _ in 0..100 {
                *task.mutex_lock(&queue.items) += 1;
                queue.filled.notify_one();
                task.cond_resched();
            }
        },
    )?;
    check_eq!(taken, 100);
    check_eq!(*task.mutex_lock(&queue.items), 0);
    Ok(())
}

fn wait_ends_by_itself(task: &mut TaskCx) -> Outcome {
    let queue = queue(task)?;
    let mut items = task.mutex_lock(&queue.items);
    match task.wait_interruptible_timeout(&queue.filled, &mut items, 2) {
        CondVarTimeoutResult::Timeout => {}
        CondVarTimeoutResult::Signal { .. } => return Err(Stop::Skip("a signal is pending")),
        CondVarTimeoutResult::Woken { .. } => return Err(Stop::Fail),
    }
    check!(queue.items.try_lock().is_none());
    Ok(())
}

fn completion(task: &mut TaskCx) -> Outcome {
    let done = KBox::pin_init(&task, Completion::new())?;
    let (done, before) = (&*done, AtomicBool::new(false));
    let mut in_order = false;
    on_another_cpu(
        |there| {
            there.wait_for_completion(done);
            in_order = before.load(Acquire);
        },
        || {
            task.fsleep(Delta::from_millis(5));
            before.store(true, Release);
            done.complete_all();
        },
    )?;
    check!(in_order);
    Ok(())
}

fn grace_period(task: &mut TaskCx) -> Outcome {
    let (reading, done, read_first) = (
        AtomicBool::new(false),
        AtomicBool::new(false),
        AtomicBool::new(false),
    );
    on_another_cpu(
        |there| {
            there.rcu_read(|_, _| {
                reading.store(true, Release);
                testlib::udelay(5000);
                read_first.store(!done.load(Acquire), Release);
            });
        },
        || {
            while !reading.load(Acquire) {
                core::hint::spin_loop();
            }
            task.synchronize_rcu();
            done.store(true, Release);
        },
    )?;
    check!(read_first.load(Relaxed));
    task.rcu_barrier();
    Ok(())
}

fn delays(task: &mut TaskCx) -> Outcome {
    for delay in [Delta::from_micros(50), Delta::from_millis(3)] {
        let start = Instant::<Monotonic>::now();
        task.fsleep(delay);
        check!(start.elapsed() >= delay);
    }
    Ok(())
}

fn waits_work_in_scopes(task: &mut TaskCx) -> Outcome {
    fn all<C: MaySleep>(cx: &mut C, mutex: &Mutex<u32>) -> u32 {
        cx.cond_resched();
        cx.fsleep(Delta::from_micros(20));
        cx.mutex_locked(mutex, |n, cx| {
            **n += u32::from(KBox::new(&cx, 1u32).is_ok());
            **n
        })
    }
    let mutex = KBox::pin_init(&task, new_mutex!(0u32))?;
    check_eq!(all(task, &mutex), 1);
    check_eq!(task.nofs(|cx| all(cx, &mutex)), 2);
    check_eq!(task.noio(|cx| all(cx, &mutex)), 3);
    check_eq!(task.noreclaim(|cx| all(cx, &mutex)), 4);
    Ok(())
}

#[allow(dead_code)]
fn locks_are_shared<T: Sync>() {}
const _: () = {
    let _ = locks_are_shared::<RwLock<u32>>;
    let _ = locks_are_shared::<RawSpinLock<core::cell::Cell<u32>>>;
    let _ = locks_are_shared::<SpinLockIrq<core::cell::Cell<u32>>>;
};
