// SPDX-License-Identifier: GPL-2.0

//! The token of process context used while a guard holds an rwlock.

use kalloc::{prelude::*, sync::RwLock};

pub fn section(task: &mut TaskCx, lock: &RwLock<u32>) -> Result<KBox<u32>> {
    section!(_held = task, read_lock(lock));
    Ok(KBox::new(&*task, 1)?) //~ ERROR: cannot borrow
}
