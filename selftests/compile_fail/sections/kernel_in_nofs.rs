// SPDX-License-Identifier: GPL-2.0

//! `GFP_KERNEL` in a NOFS scope.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.nofs(|cx| Ok(KBox::new(cx.with(GFP_KERNEL), 1)?)) //~ ERROR: may sleep
}
