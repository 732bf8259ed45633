// SPDX-License-Identifier: GPL-2.0

//! The token of a section kept behind it.

use kalloc::{prelude::*, sync::RawSpinLock};

pub fn section(task: &mut TaskCx, lock: &RawSpinLock<u32>) {
    //~v ERROR: lifetime may not live long enough
    let _kept = task.raw_locked(lock, |_n, cx| cx); //~ ERROR: lifetime may not live long enough
}
