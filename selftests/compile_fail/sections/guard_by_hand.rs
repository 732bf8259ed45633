// SPDX-License-Identifier: GPL-2.0

//! A section entered by the function that the macro calls, to have it by value.

use kalloc::{__macro::{enter, Slot}, prelude::*};
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<u32>) {
    let slot = Slot::new(task, enter::lock(lock)); //~ ERROR: call to unsafe function
    core::mem::forget(slot);
}
