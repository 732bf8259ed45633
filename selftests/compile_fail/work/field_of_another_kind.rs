// SPDX-License-Identifier: GPL-2.0

//! An item for softirqs, by the macro for items that sleep.

use kalloc::{prelude::*, work::{impl_has_work, BhWork}};

#[pin_data]
pub struct Item {
    #[pin]
    work: BhWork<Item>,
}

impl_has_work! { //~ ERROR: mismatched types
    impl HasWork<Self> for Item { self.work }
}
