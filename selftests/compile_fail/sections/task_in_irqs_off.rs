// SPDX-License-Identifier: GPL-2.0

//! Process context used with interrupts off.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.irqs_off(|_cx| Ok(KBox::new(&task, 1)?)) //~ ERROR: cannot borrow
}
