// SPDX-License-Identifier: GPL-2.0

//! Mappings undone in the order in which they were made.

use kalloc::{page::High, prelude::*};

pub fn both(task: &mut Task, a: &Pages<Order<0>, u8, High>, b: &Pages<Order<0>, u8, High>) -> Result {
    let mut first = a.kmap_local(task, 0)?;
    let second = b.kmap_local(first.cx(), 0)?;
    drop(first); //~ ERROR: cannot move out of `first`
    drop(second);
    Ok(())
}
