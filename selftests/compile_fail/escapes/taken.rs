// SPDX-License-Identifier: GPL-2.0

//! A token taken from behind its reference.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    task.locked(lock, |_data, cx| drop(core::mem::take(cx))) //~ ERROR: Default` is not satisfied
}
