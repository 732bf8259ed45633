// SPDX-License-Identifier: GPL-2.0

//! A held lock, handed to a thread.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

fn send<T: Send>(_value: T) {}

pub fn escape(task: &mut Task, lock: &SpinLock<u32>) {
    send(task.lock(lock)) //~ ERROR: `*mut ()` cannot be sent between threads safely
}
