// SPDX-License-Identifier: GPL-2.0

//! The token of a section kept behind it.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<u32>) {
    //~v ERROR: lifetime may not live long enough
    let _kept = task.locked(lock, |_n, cx| cx); //~ ERROR: lifetime may not live long enough
}
