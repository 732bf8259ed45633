// SPDX-License-Identifier: GPL-2.0

//! Who waits for himself waits for ever.

use kalloc::prelude::*;

pub fn free(task: &mut TaskCx, value: RcuBox<u32>) {
    task.rcu_read(|_guard, cx| value.free(cx)); //~ ERROR: this may sleep
}
