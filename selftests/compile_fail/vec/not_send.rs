// SPDX-License-Identifier: GPL-2.0

//! A vector of what must stay on its thread.

use kalloc::prelude::*;

fn send<T: Send>(_: T) {}

pub fn misuse(list: KVec<*mut u32>) {
    send(list); //~ ERROR: cannot be sent between threads
}
