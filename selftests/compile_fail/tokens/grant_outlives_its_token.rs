// SPDX-License-Identifier: GPL-2.0

//! A grant of a token that is gone.

use kalloc::prelude::*;

pub fn escape(task: TaskCx) -> Result<KBox<u32>> {
    let grant = task.with(GFP_KERNEL);
    drop(task); //~ ERROR: cannot move out of `task` because it is borrowed
    Ok(KBox::new(grant, 1)?)
}
