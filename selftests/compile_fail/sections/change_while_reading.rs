// SPDX-License-Identifier: GPL-2.0

//! Data changed with an rwlock held for reading.

use kalloc::{prelude::*, sync::RwLock};

pub fn section(task: &mut TaskCx, lock: &RwLock<u32>) {
    task.read_locked(lock, |n, _cx| *n += 1) //~ ERROR: cannot assign
}
