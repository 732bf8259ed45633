// SPDX-License-Identifier: GPL-2.0

//! A guard that is not dropped, and process context after it.

use core::mem::ManuallyDrop;
use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    section!(off = task, local_irq_save());
    let _ = ManuallyDrop::new(off);
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
