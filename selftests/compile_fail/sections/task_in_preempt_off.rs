// SPDX-License-Identifier: GPL-2.0

//! Process context used with preemption disabled.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.preempt_off(|_cx| Ok(KBox::new(&task, 1)?)) //~ ERROR: cannot borrow
}
