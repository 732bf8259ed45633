// SPDX-License-Identifier: GPL-2.0

//! An element that is borrowed while the vector moves.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx, list: &mut KVec<u32>) -> Result<u32> {
    let first = &list[0];
    list.push(task, 7)?; //~ ERROR: cannot borrow `*list` as mutable
    Ok(*first)
}
