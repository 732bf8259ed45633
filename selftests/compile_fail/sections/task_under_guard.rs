// SPDX-License-Identifier: GPL-2.0

//! Process context used with a spinlock held by a guard.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<Option<KBox<u32>>>) -> Result {
    section!(held = task, lock(lock));
    *held = Some(KBox::new(&task, 1)?); //~ ERROR: cannot borrow
    Ok(())
}
