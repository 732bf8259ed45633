// SPDX-License-Identifier: GPL-2.0

//! The token of process context used with a spinlock held and interrupts off.

use kalloc::{prelude::*, sync::SpinLockIrq};

pub fn section(task: &mut TaskCx, lock: &SpinLockIrq<u32>) -> Result<KBox<u32>> {
    task.locked_irq(lock, |_n, _cx| Ok(KBox::new(&*task, 1)?)) //~ ERROR: cannot borrow
}
