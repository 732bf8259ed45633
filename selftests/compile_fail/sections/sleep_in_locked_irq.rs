// SPDX-License-Identifier: GPL-2.0

//! Everything that sleeps, with a spinlock held and interrupts off.

use kalloc::{prelude::*, sync::SpinLockIrq};
use kernel::sync::{Completion, CondVar, Mutex, MutexGuard};
use kernel::time::Delta;

pub fn mutex(task: &mut TaskCx, lock: &SpinLockIrq<u32>, mutex: &Mutex<u32>) {
    task.locked_irq(lock, |_n, cx| drop(cx.mutex_lock(mutex))); //~ ERROR: may sleep
}

pub fn wait(task: &mut TaskCx, lock: &SpinLockIrq<u32>, condvar: &CondVar, guard: &mut MutexGuard<'_, u32>) {
    task.locked_irq(lock, |_n, cx| cx.wait(condvar, guard)); //~ ERROR: may sleep
}

pub fn completion(task: &mut TaskCx, lock: &SpinLockIrq<u32>, done: &Completion) {
    task.locked_irq(lock, |_n, cx| cx.wait_for_completion(done)); //~ ERROR: may sleep
}

pub fn grace_period(task: &mut TaskCx, lock: &SpinLockIrq<u32>) {
    task.locked_irq(lock, |_n, cx| cx.synchronize_rcu()); //~ ERROR: may sleep
}

pub fn others(task: &mut TaskCx, lock: &SpinLockIrq<u32>) {
    task.locked_irq(lock, |_n, cx| cx.cond_resched()); //~ ERROR: may sleep
}

pub fn delay(task: &mut TaskCx, lock: &SpinLockIrq<u32>) {
    task.locked_irq(lock, |_n, cx| cx.fsleep(Delta::from_millis(1))); //~ ERROR: may sleep
}

pub fn scope(task: &mut TaskCx, lock: &SpinLockIrq<u32>) {
    task.locked_irq(lock, |_n, cx| cx.noio(|_cx| ())); //~ ERROR: may sleep
}
