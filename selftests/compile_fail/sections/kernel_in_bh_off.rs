// SPDX-License-Identifier: GPL-2.0

//! An allocation that may sleep, with bottom halves disabled.

use kalloc::prelude::*;

pub fn number(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.bh_off(|cx| Ok(KBox::new(cx.with(GFP_KERNEL), 7u32)?)) //~ ERROR: this may sleep
}
