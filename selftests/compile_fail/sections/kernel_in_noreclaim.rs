// SPDX-License-Identifier: GPL-2.0

//! Flags that start I/O, where nothing is reclaimed.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.noreclaim(|cx| Ok(KBox::new(cx.with(GFP_KERNEL), 1)?)) //~ ERROR: may sleep
}
