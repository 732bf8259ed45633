// SPDX-License-Identifier: GPL-2.0

//! Process context used while a weaker token made of it lives.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result {
    let cx = task.as_atomic();
    let _memory = KBox::new(&task, 1u32)?; //~ ERROR: cannot borrow
    let _more = KBox::new(&cx, 1u32)?;
    Ok(())
}
