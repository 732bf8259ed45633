// SPDX-License-Identifier: GPL-2.0

//! An item that borrows what may be gone when it runs.

use kalloc::{prelude::*, work::{impl_has_work, Work, WorkItem}};

#[pin_data]
pub struct Item<'a> {
    value: &'a u32,
    #[pin]
    work: Work<Item<'a>>,
}

impl_has_work! {
    impl{'a} HasWork<Self> for Item<'a> { self.work }
}

impl<'a> WorkItem for Item<'a> {
    type Pointer = Pin<KBox<Self>>; //~ ERROR: does not fulfill the required lifetime

    fn run(_this: Pin<KBox<Self>>, _task: &mut TaskCx) {}
}

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
