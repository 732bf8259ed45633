// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags with interrupts off.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.irqs_off(|cx| Ok(KBox::new(cx.with(GFP_KERNEL), 1)?)) //~ ERROR: may sleep
}
