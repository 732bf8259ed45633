// SPDX-License-Identifier: GPL-2.0

//! A value whose drop allocates, dropped within a section.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

struct Allocates<'a>(&'a TaskCx);

impl Drop for Allocates<'_> {
    fn drop(&mut self) {
        drop(KBox::new(self.0, 1u32))
    }
}

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    let value = Allocates(task);
    task.locked(lock, |_data, _cx| drop(value)) //~ ERROR: cannot borrow
}
