// SPDX-License-Identifier: GPL-2.0

//! A mapping made within another one that is undone after it.

use kalloc::{page::High, prelude::*};

pub fn inner(task: &mut Task, a: &Pages<Order<0>, u8, High>, b: &Pages<Order<0>, u8, High>) -> Result<u8> {
    let kept = a.map_local(task, 0, |_, task| b.kmap_local(task, 0))??; //~ ERROR: lifetime may not live long enough
    Ok(kept[0])
}
