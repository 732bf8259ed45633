// SPDX-License-Identifier: GPL-2.0

//! A lock taken through a shared reference, beside which others may allocate.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &TaskCx, lock: &SpinLock<u32>) {
    task.locked(lock, |data, _cx| *data += 1); //~ ERROR: cannot borrow
}
