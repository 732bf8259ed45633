// SPDX-License-Identifier: GPL-2.0

//! The token of a section kept behind it.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) {
    //~v ERROR: lifetime may not live long enough
    let _kept = task.preempt_off(|cx| cx); //~ ERROR: lifetime may not live long enough
}
