// SPDX-License-Identifier: GPL-2.0

//! The token of a handler, kept for the next one.

use kalloc::{prelude::*, work::{impl_has_work, Work, WorkItem}};
use kernel::sync::Arc;

#[pin_data]
pub struct Item {
    value: u32,
    #[pin]
    work: Work<Item>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, task: &mut TaskCx) {
        keep(task); //~ ERROR: borrowed data escapes outside of
    }
}

fn keep(_task: &'static mut TaskCx) {}

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
