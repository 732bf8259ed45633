// SPDX-License-Identifier: GPL-2.0

//! Two mappings of which none is within the other.

use kalloc::{page::High, prelude::*};

pub fn both(task: &mut Task, a: &Pages<Order<0>, u8, High>, b: &Pages<Order<0>, u8, High>) -> Result {
    let first = a.kmap_local(task, 0)?;
    let second = b.kmap_local(task, 0)?; //~ ERROR: cannot borrow `*task` as mutable more than once
    drop(first);
    drop(second);
    Ok(())
}
