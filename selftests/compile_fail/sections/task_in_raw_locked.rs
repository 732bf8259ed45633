// SPDX-License-Identifier: GPL-2.0

//! The token of process context used with a raw spinlock held.

use kalloc::{prelude::*, sync::RawSpinLock};

pub fn section(task: &mut TaskCx, lock: &RawSpinLock<u32>) -> Result<KBox<u32>> {
    task.raw_locked(lock, |_n, _cx| Ok(KBox::new(&*task, 1)?)) //~ ERROR: cannot borrow
}
