// SPDX-License-Identifier: GPL-2.0

//! The token of process context used while a guard holds a raw spinlock with interrupts off.

use kalloc::{prelude::*, sync::RawSpinLockIrq};

pub fn section(task: &mut TaskCx, lock: &RawSpinLockIrq<u32>) -> Result<KBox<u32>> {
    section!(_held = task, raw_lock_irq(lock));
    Ok(KBox::new(&*task, 1)?) //~ ERROR: cannot borrow
}
