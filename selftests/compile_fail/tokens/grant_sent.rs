// SPDX-License-Identifier: GPL-2.0

//! A grant sent to another thread.

use kalloc::prelude::*;

fn send<T: Send>(_value: T) {}

pub fn escape(task: &TaskCx) {
    send(task.with(GFP_KERNEL)); //~ ERROR: cannot be shared between threads safely
}
