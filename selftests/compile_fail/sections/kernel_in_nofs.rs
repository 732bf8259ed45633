// SPDX-License-Identifier: GPL-2.0

//! `GFP_KERNEL` in a NOFS scope.

use kalloc::prelude::*;

pub fn section(task: &mut Task) -> Result<KBox<u32>> {
    task.nofs(|cx| Ok(KBox::new(cx.with(Kernel), 1)?)) //~ ERROR: may sleep
}
