// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags with a spinlock held.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<Option<KBox<u32>>>) -> Result {
    task.locked(lock, |data, cx| -> Result {
        *data = Some(KBox::new(cx.with(GFP_KERNEL), 1)?); //~ ERROR: may sleep
        Ok(())
    })
}
