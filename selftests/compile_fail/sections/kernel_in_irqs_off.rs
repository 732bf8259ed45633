// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags with interrupts off.

use kalloc::prelude::*;

pub fn section(task: &mut Task) -> Result<KBox<u32>> {
    task.irqs_off(|cx| Ok(KBox::new(cx.with(Kernel), 1)?)) //~ ERROR: may sleep
}
