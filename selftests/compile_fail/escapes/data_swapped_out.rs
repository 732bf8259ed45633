// SPDX-License-Identifier: GPL-2.0

//! The data of one lock swapped with that of another, by reference.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape<'a>(task: &'a mut TaskCx, lock: &'a SpinLock<u32>, mut kept: &'a mut u32) {
    //~vv ERROR: borrowed data escapes outside of closure
    //~v ERROR: borrowed data escapes outside of function
    task.locked(lock, |mut data, _cx| core::mem::swap(&mut data, &mut kept))
}
