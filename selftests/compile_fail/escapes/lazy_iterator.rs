// SPDX-License-Identifier: GPL-2.0

//! An iterator that allocates at each step, gone through within a section.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    let boxes = (0..3).map(|n: u32| KBox::new(&*task, n));
    task.locked(lock, |_data, _cx| boxes.for_each(drop)) //~ ERROR: cannot borrow
}
