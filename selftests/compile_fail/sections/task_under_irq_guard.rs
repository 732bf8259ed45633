// SPDX-License-Identifier: GPL-2.0

//! Process context used with interrupts turned off by a guard.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    section!(_held = task, local_irq_save());
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
