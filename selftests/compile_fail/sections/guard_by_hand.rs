// SPDX-License-Identifier: GPL-2.0

//! A section entered by the function that the macro calls, to have it by value.

use kalloc::{prelude::*, sync::enter};
use kernel::sync::SpinLock;

pub fn section(task: &mut Task, lock: &SpinLock<u32>) {
    let slot = kalloc::sync::Slot::new(task, enter::lock(lock)); //~ ERROR: call to unsafe function
    core::mem::forget(slot);
}
