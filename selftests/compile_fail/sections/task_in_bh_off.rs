// SPDX-License-Identifier: GPL-2.0

//! The token around a section, used inside it.

use kalloc::prelude::*;

pub fn number(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.bh_off(|_cx| Ok(KBox::new(&task, 7u32)?)) //~ ERROR: cannot borrow `*task`
}
