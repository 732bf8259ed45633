// SPDX-License-Identifier: GPL-2.0

//! Everything that sleeps, where PREEMPT_RT cannot allocate either.

//@only-target: rt

use kalloc::{
    prelude::*,
    sync::{RawSpinLock, RawSpinLockIrq},
};
use kernel::sync::{Completion, CondVar, Mutex, MutexGuard};
use kernel::time::Delta;

pub fn mutex(task: &mut TaskCx, mutex: &Mutex<u32>) {
    task.irqs_off(|cx| drop(cx.mutex_lock(mutex))); //~ ERROR: trait bounds were not satisfied
}

pub fn wait(task: &mut TaskCx, condvar: &CondVar, guard: &mut MutexGuard<'_, u32>) {
    task.irqs_off(|cx| cx.wait(condvar, guard)); //~ ERROR: trait bounds were not satisfied
}

pub fn completion(task: &mut TaskCx, done: &Completion) {
    task.irqs_off(|cx| cx.wait_for_completion(done)); //~ ERROR: trait bounds were not satisfied
}

pub fn grace_period(task: &mut TaskCx) {
    task.irqs_off(|cx| cx.synchronize_rcu()); //~ ERROR: trait bounds were not satisfied
}

pub fn others(task: &mut TaskCx) {
    task.irqs_off(|cx| cx.cond_resched()); //~ ERROR: trait bounds were not satisfied
}

pub fn delay(task: &mut TaskCx) {
    task.irqs_off(|cx| cx.fsleep(Delta::from_millis(1))); //~ ERROR: trait bounds were not satisfied
}

pub fn scope(task: &mut TaskCx) {
    task.irqs_off(|cx| cx.noio(|_cx| ())); //~ ERROR: trait bounds were not satisfied
}

pub fn preempt_off(task: &mut TaskCx) {
    task.preempt_off(|cx| cx.cond_resched()); //~ ERROR: trait bounds were not satisfied
}

pub fn raw_locked(task: &mut TaskCx, lock: &RawSpinLock<u32>) {
    task.raw_locked(lock, |_n, cx| cx.cond_resched()); //~ ERROR: trait bounds were not satisfied
}

pub fn raw_locked_irq(task: &mut TaskCx, lock: &RawSpinLockIrq<u32>) {
    task.raw_locked_irq(lock, |_n, cx| cx.cond_resched()); //~ ERROR: trait bounds were not satisfied
}
