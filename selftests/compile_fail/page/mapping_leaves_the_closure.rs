// SPDX-License-Identifier: GPL-2.0

//! Memory that is no longer mapped.

use kalloc::{page::High, prelude::*};

pub fn first<'p>(task: &mut TaskCx, pages: &'p Pages<Order<0>, u8, High>) -> Result<&'p [u8]> {
    pages.map_local(task, 0, |bytes, _task| bytes) //~ ERROR: lifetime may not live long enough
}
