// SPDX-License-Identifier: GPL-2.0

//! Process context used in a NOIO scope.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.noio(|_cx| Ok(KBox::new(&task, 1)?)) //~ ERROR: cannot borrow
}
