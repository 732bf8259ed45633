// SPDX-License-Identifier: GPL-2.0

//! Pages are freed once.

use kalloc::prelude::*;

pub fn twice(pages: Pages<Order<3>>) {
    drop(pages);
    drop(pages); //~ ERROR: use of moved value
}
