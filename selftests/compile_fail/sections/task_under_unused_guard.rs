// SPDX-License-Identifier: GPL-2.0

//! Process context used with a spinlock held by a guard that nobody looks at.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result<KBox<u32>> {
    section!(_held = task, lock(lock));
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
