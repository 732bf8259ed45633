// SPDX-License-Identifier: GPL-2.0

//! The token of process context used while a guard holds a spinlock.

use kalloc::{prelude::*, sync::SpinLockIrq};

pub fn section(task: &mut TaskCx, lock: &SpinLockIrq<u32>) -> Result {
    section!(held = task, lock_irq(lock));
    let number = KBox::new(&*task, 1u32)?; //~ ERROR: cannot borrow
    *held += *number;
    Ok(())
}
