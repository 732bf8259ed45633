// SPDX-License-Identifier: GPL-2.0

//! Lockdep sees the lock behind the token of each section: held inside, by this thread, and no more
//! after. Only for kernels that have it.

use kalloc::{
    percpu::new_local_lock,
    prelude::*,
    sync::{
        new_mutex,
        new_raw_spinlock,
        new_raw_spinlock_irq,
        new_rwlock,
        new_spinlock,
        new_spinlock_irq, //
    },
};
use testlib::{c, check_eq, in_hardirq, in_softirq, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_lockdep":
    spinlock,
    spinlock_with_interrupts_off,
    raw_spinlock,
    raw_spinlock_with_interrupts_off,
    rwlock,
    rcu_read_side,
    mutex,
    local_lock,
    local_locks_of_two_places,
    locks_in_locks,
    locks_in_interrupts,
}

/// How many locks of that name this thread holds.
fn held(name: &CStr) -> i32 {
    use kernel::str::CStrExt as _;
    // SAFETY: A string.
    unsafe { c::testlib_locks_held(name.as_char_ptr()) }
}

const SPIN: &CStr = c"test_lockdep_spin";
const SPIN_IRQ: &CStr = c"test_lockdep_spin_irq";
const RAW: &CStr = c"test_lockdep_raw";
const RAW_IRQ: &CStr = c"test_lockdep_raw_irq";
const RW: &CStr = c"test_lockdep_rw";
const MUTEX: &CStr = c"test_lockdep_mutex";
const LOCAL: &CStr = c"test_lockdep_local";
/// The kernel's name of the RCU read side.
const RCU: &CStr = c"rcu_read_lock";

fn spinlock(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32, "test_lockdep_spin"))?;
    check_eq!(task.locked(&lock, |_, _| held(SPIN)), 1);
    check_eq!(held(SPIN), 0);
    {
        section!(_section = task, lock(&lock));
        check_eq!(held(SPIN), 1);
    }
    check_eq!(held(SPIN), 0);
    Ok(())
}

fn spinlock_with_interrupts_off(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_spinlock_irq!(0u32, "test_lockdep_spin_irq"))?;
    check_eq!(task.locked_irq(&lock, |_, _| held(SPIN_IRQ)), 1);
    check_eq!(held(SPIN_IRQ), 0);
    {
        section!(_section = task, lock_irq(&lock));
        check_eq!(held(SPIN_IRQ), 1);
    }
    check_eq!(held(SPIN_IRQ), 0);
    Ok(())
}

fn raw_spinlock(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_raw_spinlock!(0u32, "test_lockdep_raw"))?;
    check_eq!(task.raw_locked(&lock, |_, _| held(RAW)), 1);
    check_eq!(held(RAW), 0);
    {
        section!(_section = task, raw_lock(&lock));
        check_eq!(held(RAW), 1);
    }
    check_eq!(held(RAW), 0);
    Ok(())
}

fn raw_spinlock_with_interrupts_off(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_raw_spinlock_irq!(0u32, "test_lockdep_raw_irq"))?;
    check_eq!(task.raw_locked_irq(&lock, |_, _| held(RAW_IRQ)), 1);
    check_eq!(held(RAW_IRQ), 0);
    {
        section!(_section = task, raw_lock_irq(&lock));
        check_eq!(held(RAW_IRQ), 1);
    }
    check_eq!(held(RAW_IRQ), 0);
    Ok(())
}

fn rwlock(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_rwlock!(0u32, "test_lockdep_rw"))?;
    check_eq!(task.read_locked(&lock, |_, _| held(RW)), 1);
    check_eq!(held(RW), 0);
    check_eq!(task.write_locked(&lock, |_, _| held(RW)), 1);
    check_eq!(held(RW), 0);
    {
        section!(_section = task, read_lock(&lock));
        check_eq!(held(RW), 1);
    }
    {
        section!(_section = task, write_lock(&lock));
        check_eq!(held(RW), 1);
    }
    check_eq!(held(RW), 0);
    Ok(())
}

fn rcu_read_side(task: &mut TaskCx) -> Outcome {
    check_eq!(task.rcu_read(|_, _| held(RCU)), 1);
    check_eq!(held(RCU), 0);
    {
        section!(_section = task, rcu_read_lock());
        check_eq!(held(RCU), 1);
    }
    check_eq!(held(RCU), 0);
    Ok(())
}

fn mutex(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_mutex!(0u32, "test_lockdep_mutex"))?;
    check_eq!(task.mutex_locked(&lock, |_, _| held(MUTEX)), 1);
    check_eq!(held(MUTEX), 0);
    {
        let _section = task.mutex_lock(&lock);
        check_eq!(held(MUTEX), 1);
    }
    check_eq!(held(MUTEX), 0);
    Ok(())
}

fn local_lock(task: &mut TaskCx) -> Outcome {
    let lock = PerCpu::locked(&task, new_local_lock!(|_| 0u32, "test_lockdep_local"))?;
    check_eq!(lock.with(task, |_, _| held(LOCAL)), 1);
    check_eq!(held(LOCAL), 0);
    check_eq!(lock.try_with(task, |_, _| held(LOCAL)), Some(1));
    check_eq!(held(LOCAL), 0);
    Ok(())
}

/// What one of them does is not held against the other: taken in this order and in that, they would
/// be a deadlock if they were one class, or two of one driver that does so.
fn local_locks_of_two_places(task: &mut TaskCx) -> Outcome {
    let ours = PerCpu::locked(&task, new_local_lock!(|_| 0u32, "test_lockdep_local"))?;
    let theirs = PerCpu::locked(&task, new_local_lock!(|_| 0u32, "test_lockdep_theirs"))?;
    let both = ours.with(task, |_, cx| {
        theirs.with(cx, |_, _| (held(LOCAL), held(c"test_lockdep_theirs")))
    });
    check_eq!(both, (1, 1));
    check_eq!(held(LOCAL), 0);
    Ok(())
}

fn locks_in_locks(task: &mut TaskCx) -> Outcome {
    let mutex = KBox::pin_init(&*task, new_mutex!(0u32, "test_lockdep_mutex"))?;
    let spin = KBox::pin_init(&*task, new_spinlock!(0u32, "test_lockdep_spin"))?;
    let raw = KBox::pin_init(&*task, new_raw_spinlock!(0u32, "test_lockdep_raw"))?;
    let all = || (held(MUTEX), held(SPIN), held(RAW));
    let seen = task.mutex_locked(&mutex, |_, task| {
        task.locked(&spin, |_, cx| {
            let inside = cx.raw_locked(&raw, |_, _| all());
            (inside, all())
        })
    });
    check_eq!(seen, ((1, 1, 1), (1, 1, 0)));
    check_eq!(all(), (0, 0, 0));
    Ok(())
}

/// Lockdep keeps the locks of an interrupt with those of the thread that it interrupted.
fn locks_in_interrupts(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_raw_spinlock_irq!(0u32, "test_lockdep_raw_irq"))?;
    let (mut inside, mut after) = (0, 0);
    in_hardirq(|cx| {
        inside = cx.raw_locked_irq(&lock, |_, _| held(RAW_IRQ));
        after = held(RAW_IRQ);
    })?;
    check_eq!((inside, after), (1, 0));
    in_softirq(|cx| {
        inside = cx.raw_locked_irq(&lock, |_, _| held(RAW_IRQ));
        after = held(RAW_IRQ);
    })?;
    check_eq!((inside, after), (1, 0));
    Ok(())
}
