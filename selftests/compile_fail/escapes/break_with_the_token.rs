// SPDX-License-Identifier: GPL-2.0

//! A loop left from within a section, with its token.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape<'a>(task: &'a mut TaskCx, lock: &SpinLock<u32>) {
    loop {
        task.locked(lock, |_data, cx| break cx) //~ ERROR: `break` inside of a closure
    }
}
