// SPDX-License-Identifier: GPL-2.0

//! Process context sent to another thread, in a box.

use kalloc::prelude::*;

fn send<T: Send>(_value: T) {}

pub fn escape(memory: KBox<core::mem::MaybeUninit<TaskCx>>, task: TaskCx) {
    send(memory.write(task)); //~ ERROR: cannot be sent between threads safely
}
