// SPDX-License-Identifier: GPL-2.0

//! A lock taken again by the token around its section.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    //~vv ERROR: cannot borrow
    //~v ERROR: closure requires unique access to
    task.locked(lock, |_data, _cx| task.locked(lock, |_data, _cx| ()))
}
