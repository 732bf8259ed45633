// SPDX-License-Identifier: GPL-2.0

//! What new pages hold, nobody knows.

use kalloc::prelude::*;

pub fn first(task: &TaskCx) -> Result<u8> {
    let pages = Pages::new_uninit(task, Order::<0>)?;
    Ok(pages.page_address()[0]) //~ ERROR: mismatched types
}
