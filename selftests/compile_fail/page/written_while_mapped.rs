// SPDX-License-Identifier: GPL-2.0

//! Who reads a page does so without its being written.

use kalloc::{page::High, prelude::*};

pub fn both(task: &mut TaskCx, pages: &mut Pages<Order<0>, u8, High>) -> Result {
    pages.map_local(task, 0, |bytes, task| { //~ ERROR: closure requires unique access
        pages.map_local_mut(task, 0, |page, _| page[0] = bytes[0])
    })?
}
