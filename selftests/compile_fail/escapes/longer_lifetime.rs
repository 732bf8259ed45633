// SPDX-License-Identifier: GPL-2.0

//! A token of a lifetime that is longer than its section.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

fn for_ever(_cx: &mut AtomicCx<'static>) {}

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    task.locked(lock, |_data, cx| for_ever(cx)) //~ ERROR: borrowed data escapes outside of closure
}
