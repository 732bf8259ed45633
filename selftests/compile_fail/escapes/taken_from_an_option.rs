// SPDX-License-Identifier: GPL-2.0

//! Process context taken out of an option within its section.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(mut task: Option<TaskCx>, lock: &SpinLock<u32>) {
    if let Some(around) = &mut task {
        around.locked(lock, |_data, _cx| drop(task.take())) //~ ERROR: cannot borrow `task` as mutable more than once at a time
    }
}
