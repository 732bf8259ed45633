// SPDX-License-Identifier: GPL-2.0

//! Everything that sleeps, with interrupts off.

//@ignore-target: rt

use kalloc::prelude::*;
use kernel::sync::{Completion, CondVar, Mutex, MutexGuard};
use kernel::time::Delta;

pub fn mutex(task: &mut Task, mutex: &Mutex<u32>) {
    task.irqs_off(|cx| drop(cx.mutex_lock(mutex))); //~ ERROR: may sleep
}

pub fn wait(task: &mut Task, condvar: &CondVar, guard: &mut MutexGuard<'_, u32>) {
    task.irqs_off(|cx| cx.wait(condvar, guard)); //~ ERROR: may sleep
}

pub fn completion(task: &mut Task, done: &Completion) {
    task.irqs_off(|cx| cx.wait_for_completion(done)); //~ ERROR: may sleep
}

pub fn grace_period(task: &mut Task) {
    task.irqs_off(|cx| cx.synchronize_rcu()); //~ ERROR: may sleep
}

pub fn others(task: &mut Task) {
    task.irqs_off(|cx| cx.cond_resched()); //~ ERROR: may sleep
}

pub fn delay(task: &mut Task) {
    task.irqs_off(|cx| cx.fsleep(Delta::from_millis(1))); //~ ERROR: may sleep
}

pub fn scope(task: &mut Task) {
    task.irqs_off(|cx| cx.noio(|_cx| ())); //~ ERROR: may sleep
}
