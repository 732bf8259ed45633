// SPDX-License-Identifier: GPL-2.0

//! A token used after it was given away.

use kalloc::prelude::*;

fn take(_task: TaskCx) {}

pub fn escape(task: TaskCx) -> Result<KBox<u32>> {
    take(task);
    Ok(KBox::new(&task, 1)?) //~ ERROR: borrow of moved value
}
