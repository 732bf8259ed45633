// SPDX-License-Identifier: GPL-2.0

//! An item that may sleep, on a queue that runs it in a softirq.

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

    fn run(this: Arc<Self>, task: &mut TaskCx) {
        drop(KBox::new(&task, this.value));
    }
}

pub fn misuse(task: &mut TaskCx, item: Arc<Item>) {
    drop(kalloc::work::system_bh().enqueue(task, item)); //~ ERROR: `Item` is not a work item for softirqs
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
