// SPDX-License-Identifier: GPL-2.0

//! A callback that allocates, of a type that nobody sees, called within a section.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    let callback: &dyn Fn() = &|| drop(KBox::new(&*task, 1u32));
    task.locked(lock, |_data, _cx| callback()) //~ ERROR: cannot borrow
}
