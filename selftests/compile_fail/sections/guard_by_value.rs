// SPDX-License-Identifier: GPL-2.0

//! The variable behind a guard, by the name that the macro gives it.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<u32>) {
    section!(_held = task, lock(lock));
    core::mem::forget(slot); //~ ERROR: cannot find value `slot` in this scope
}
