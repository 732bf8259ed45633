// SPDX-License-Identifier: GPL-2.0

//! A reference into a box that ends with the function.

use kalloc::prelude::*;

pub fn misuse<'a>(task: &TaskCx) -> Result<&'a u32> {
    let memory = KBox::new(task, 7)?;
    Ok(&*memory) //~ ERROR: cannot return value referencing local variable
}
