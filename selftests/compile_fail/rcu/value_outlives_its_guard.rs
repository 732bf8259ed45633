// SPDX-License-Identifier: GPL-2.0

//! A reader has the value for as long as the read side.

use kalloc::prelude::*;

pub fn read<'a>(task: &mut TaskCx, cell: &'a RcuCell<u32>) -> Option<&'a u32> {
    task.rcu_read(|guard, _cx| cell.load(guard)) //~ ERROR: lifetime may not live long enough
}
