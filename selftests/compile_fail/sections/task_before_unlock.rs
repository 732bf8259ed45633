// SPDX-License-Identifier: GPL-2.0

//! Process context used after the last use of the guard, which still holds the spinlock.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result<KBox<u32>> {
    section!(held = task, lock(lock));
    *held += 1;
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
