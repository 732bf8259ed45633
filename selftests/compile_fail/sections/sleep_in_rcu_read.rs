// SPDX-License-Identifier: GPL-2.0

//! Everything that sleeps, with the RCU read side held.

use kalloc::prelude::*;
use kernel::sync::{Completion, CondVar, Mutex, MutexGuard};
use kernel::time::Delta;

pub fn mutex(task: &mut TaskCx, mutex: &Mutex<u32>) {
    task.rcu_read(|_guard, cx| drop(cx.mutex_lock(mutex))); //~ ERROR: may sleep
}

pub fn wait(task: &mut TaskCx, condvar: &CondVar, guard: &mut MutexGuard<'_, u32>) {
    task.rcu_read(|_guard, cx| cx.wait(condvar, guard)); //~ ERROR: may sleep
}

pub fn completion(task: &mut TaskCx, done: &Completion) {
    task.rcu_read(|_guard, cx| cx.wait_for_completion(done)); //~ ERROR: may sleep
}

pub fn grace_period(task: &mut TaskCx) {
    task.rcu_read(|_guard, cx| cx.synchronize_rcu()); //~ ERROR: may sleep
}

pub fn others(task: &mut TaskCx) {
    task.rcu_read(|_guard, cx| cx.cond_resched()); //~ ERROR: may sleep
}

pub fn delay(task: &mut TaskCx) {
    task.rcu_read(|_guard, cx| cx.fsleep(Delta::from_millis(1))); //~ ERROR: may sleep
}

pub fn scope(task: &mut TaskCx) {
    task.rcu_read(|_guard, cx| cx.noio(|_cx| ())); //~ ERROR: may sleep
}
