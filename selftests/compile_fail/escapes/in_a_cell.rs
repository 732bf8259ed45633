// SPDX-License-Identifier: GPL-2.0

//! The token of a section, put into a cell outside of it.

use core::cell::Cell;
use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape<'a>(task: &'a mut TaskCx, lock: &SpinLock<u32>, cell: &Cell<Option<&'a mut AtomicCx<'a>>>) {
    //~vvv ERROR: borrowed data escapes outside of closure
    //~vv ERROR: borrowed data escapes outside of closure
    //~v ERROR: borrowed data escapes outside of function
    task.locked(lock, |_data, cx| cell.set(Some(cx)))
}
