// SPDX-License-Identifier: GPL-2.0

//! Two mappings of which none is within the other.

use kalloc::{page::High, prelude::*};

pub fn both(task: &mut TaskCx, a: &Pages<Order<0>, u8, High>, b: &Pages<Order<0>, u8, High>) -> Result<u8> {
    a.map_local(task, 0, |_first, _task| b.map_local(task, 0, |second, _task| second[0]))?
    //~^ ERROR: because previous closure requires unique access
    //~| ERROR: closure requires unique access to `*task` but it is already borrowed
}
