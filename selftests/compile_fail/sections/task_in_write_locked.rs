// SPDX-License-Identifier: GPL-2.0

//! The token of process context used with an rwlock held for writing.

use kalloc::{prelude::*, sync::RwLock};

pub fn section(task: &mut TaskCx, lock: &RwLock<u32>) -> Result<KBox<u32>> {
    task.write_locked(lock, |_n, _cx| Ok(KBox::new(&*task, 1)?)) //~ ERROR: cannot borrow
}
