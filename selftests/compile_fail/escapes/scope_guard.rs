// SPDX-License-Identifier: GPL-2.0

//! Process context in a guard that uses it when a section is left.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

use kernel::types::ScopeGuard;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    let _later = ScopeGuard::new(|| drop(KBox::new(&*task, 1u32)));
    task.locked(lock, |_data, _cx| ()) //~ ERROR: cannot borrow
}
