// SPDX-License-Identifier: GPL-2.0

//! A held lock, handed to a thread.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

fn send<T: Send>(_value: T) {}

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    section!(held = task, lock(lock));
    send(held) //~ ERROR: `*mut ()` cannot be sent between threads safely
}
