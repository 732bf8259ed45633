// SPDX-License-Identifier: GPL-2.0

//! The token of process context used while a guard holds a raw spinlock.

use kalloc::{prelude::*, sync::RawSpinLock};

pub fn section(task: &mut TaskCx, lock: &RawSpinLock<u32>) -> Result<KBox<u32>> {
    section!(_held = task, raw_lock(lock));
    Ok(KBox::new(&*task, 1)?) //~ ERROR: cannot borrow
}
