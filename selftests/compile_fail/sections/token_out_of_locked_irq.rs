// SPDX-License-Identifier: GPL-2.0

//! The token of a section kept behind it.

use kalloc::{prelude::*, sync::SpinLockIrq};

pub fn section(task: &mut TaskCx, lock: &SpinLockIrq<u32>) {
    //~v ERROR: lifetime may not live long enough
    let _kept = task.locked_irq(lock, |_n, cx| cx); //~ ERROR: lifetime may not live long enough
}
