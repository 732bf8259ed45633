// SPDX-License-Identifier: GPL-2.0

//! The token of a section captured by a closure that may be called at any time.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

fn later(f: impl FnOnce() + 'static) {
    f()
}

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    task.locked(lock, |_data, cx| {
        //~vv ERROR: escapes
        //~v ERROR: escapes
        later(move || drop(KBox::new(&cx, 1u32)))
    })
}
