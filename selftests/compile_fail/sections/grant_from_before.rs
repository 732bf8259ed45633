// SPDX-License-Identifier: GPL-2.0

//! A grant of process context used with a spinlock held.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<Option<KBox<u32>>>) -> Result {
    let grant = task.with(GFP_KERNEL.account());
    //~v ERROR: cannot borrow
    task.locked(lock, |data, _cx| -> Result {
        *data = Some(KBox::new(grant, 1)?);
        Ok(())
    })
}
