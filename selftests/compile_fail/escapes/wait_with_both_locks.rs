// SPDX-License-Identifier: GPL-2.0

//! A wait for a condition with a spinlock held within the mutex.

use kalloc::prelude::*;
use kernel::sync::{CondVar, Mutex, SpinLock};

pub fn escape(task: &mut TaskCx, mutex: &Mutex<u32>, lock: &SpinLock<u32>, filled: &CondVar) {
    task.mutex_locked(mutex, |guard, task| {
        task.locked(lock, |_data, cx| cx.wait(filled, guard)) //~ ERROR: this may sleep, which
    })
}
