// SPDX-License-Identifier: GPL-2.0

//! A reference to process context sent to another thread.

use kalloc::prelude::*;

fn send<T: Send>(_value: T) {}

pub fn escape(task: &TaskCx) {
    send(task); //~ ERROR: cannot be shared between threads safely
}
