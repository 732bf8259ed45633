// SPDX-License-Identifier: GPL-2.0

//! Readers beside one another of what only one may read.

use core::cell::Cell;
use kalloc::sync::RwLock;

fn shared<T: Sync>() {}

pub fn section() {
    shared::<RwLock<Cell<u32>>>() //~ ERROR: cannot be shared between threads safely
}
