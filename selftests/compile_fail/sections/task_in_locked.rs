// SPDX-License-Identifier: GPL-2.0

//! Process context used with a spinlock held.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<Option<KBox<u32>>>) -> Result {
    //~v ERROR: cannot borrow
    task.locked(lock, |data, _cx| -> Result {
        *data = Some(KBox::new(&task, 1)?);
        Ok(())
    })
}
