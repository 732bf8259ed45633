// SPDX-License-Identifier: GPL-2.0

//! A reader has the value for as long as the read side.

use kalloc::prelude::*;

pub fn read(task: &mut TaskCx, cell: &RcuCell<u32>) -> u32 {
    section!(section = task, rcu_read_lock());
    let value = cell.load(section.split().0);
    section.end(); //~ ERROR: cannot move out of `section` because it is borrowed
    value.map_or(0, |value| *value)
}
