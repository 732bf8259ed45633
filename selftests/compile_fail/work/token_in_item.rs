// SPDX-License-Identifier: GPL-2.0

//! A token in a work item, which another thread would have.

use kalloc::{prelude::*, work::{impl_has_work, Work, WorkItem}};

#[pin_data]
pub struct Item {
    task: TaskCx,
    #[pin]
    work: Work<Item>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Pin<KBox<Self>>; //~ ERROR: cannot be sent between threads safely

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
