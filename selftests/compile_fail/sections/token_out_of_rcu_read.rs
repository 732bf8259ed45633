// SPDX-License-Identifier: GPL-2.0

//! The token of a section kept behind it.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) {
    //~v ERROR: lifetime may not live long enough
    let _kept = task.rcu_read(|_guard, cx| cx); //~ ERROR: lifetime may not live long enough
}
