// SPDX-License-Identifier: GPL-2.0

//! Says that the item is where another type's is.

use kalloc::{prelude::*, work::{impl_has_work, Work}};

#[pin_data]
pub struct Item {
    #[pin]
    work: Work<Other>,
}

impl_has_work! { //~ ERROR: mismatched types
    impl HasWork<Self> for Item { self.work }
}

pub struct Other;

struct Example;

impl kalloc::Module for Example {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Example)
    }
}

kalloc::module! {
    type: Example,
    name: "example",
    authors: ["The kalloc authors"],
    description: "A module",
    license: "GPL",
}
