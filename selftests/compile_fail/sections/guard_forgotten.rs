// SPDX-License-Identifier: GPL-2.0

//! A guard that is forgotten, and process context after it: the lock is still held.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result<KBox<u32>> {
    section!(held = task, lock(lock));
    core::mem::forget(held);
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
