// SPDX-License-Identifier: GPL-2.0

//! A value that stays on its thread, sent in a box.

use kalloc::prelude::*;

fn send<T: Send>(_value: T) {}

pub fn misuse(memory: KBox<*mut u32>) {
    send(memory); //~ ERROR: cannot be sent between threads safely
}
