// SPDX-License-Identifier: GPL-2.0

//! The address of memory that may have none.

use kalloc::prelude::*;

pub fn first(task: &TaskCx) -> Result<u8> {
    let pages = Pages::zeroed(task.with(GFP_HIGHUSER), Order::<0>)?;
    Ok(pages.page_address()[0]) //~ ERROR: has no kernel address
}
