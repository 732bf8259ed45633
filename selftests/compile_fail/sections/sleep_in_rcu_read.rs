// SPDX-License-Identifier: GPL-2.0

//! Everything that sleeps, with the RCU read side held.

use kalloc::prelude::*;
use kernel::sync::{Completion, CondVar, Mutex, MutexGuard};
use kernel::time::Delta;

pub fn mutex(task: &mut Task, mutex: &Mutex<u32>) {
    task.rcu_read(|_guard, cx| drop(cx.mutex_lock(mutex))); //~ ERROR: may sleep
}

pub fn wait(task: &mut Task, condvar: &CondVar, guard: &mut MutexGuard<'_, u32>) {
    task.rcu_read(|_guard, cx| cx.wait(condvar, guard)); //~ ERROR: may sleep
}

pub fn completion(task: &mut Task, done: &Completion) {
    task.rcu_read(|_guard, cx| cx.wait_for_completion(done)); //~ ERROR: may sleep
}

pub fn grace_period(task: &mut Task) {
    task.rcu_read(|_guard, cx| cx.synchronize_rcu()); //~ ERROR: may sleep
}

pub fn others(task: &mut Task) {
    task.rcu_read(|_guard, cx| cx.cond_resched()); //~ ERROR: may sleep
}

pub fn delay(task: &mut Task) {
    task.rcu_read(|_guard, cx| cx.fsleep(Delta::from_millis(1))); //~ ERROR: may sleep
}

pub fn scope(task: &mut Task) {
    task.rcu_read(|_guard, cx| cx.noio(|_cx| ())); //~ ERROR: may sleep
}
