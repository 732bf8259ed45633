// SPDX-License-Identifier: GPL-2.0

//! Queues an item in an NMI handler, which may have interrupted whoever has the lock of the queue.

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

pub fn misuse(cx: &mut NmiCx<'_>, item: Arc<Item>) {
    drop(kalloc::work::system_percpu().enqueue(cx, item)); //~ ERROR: is an NMI handler
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
