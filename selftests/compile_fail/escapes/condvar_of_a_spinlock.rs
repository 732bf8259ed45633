// SPDX-License-Identifier: GPL-2.0

//! A wait for a condition with a spinlock held.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

use kernel::sync::CondVar;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>, filled: &CondVar) {
    section!(guard = task, lock(lock));
    task.wait(filled, &mut guard) //~ ERROR: mismatched types
}
