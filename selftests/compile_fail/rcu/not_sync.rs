// SPDX-License-Identifier: GPL-2.0

//! Readers are on other threads.

use core::cell::Cell;
use kalloc::prelude::*;

fn shared<T: Sync>(_: &T) {}

pub fn share(cell: &RcuCell<Cell<u32>>) {
    shared(cell); //~ ERROR: cannot be shared between threads safely
}
