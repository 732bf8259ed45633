// SPDX-License-Identifier: GPL-2.0

//! No bytes of pages that are gone.

use kalloc::prelude::*;

pub fn first(pages: Pages<Order<3>>) -> u8 {
    let bytes = pages.page_address();
    drop(pages); //~ ERROR: cannot move out of `pages`
    bytes[0]
}
