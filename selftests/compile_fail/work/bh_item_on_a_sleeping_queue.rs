// SPDX-License-Identifier: GPL-2.0

//! An item for softirqs, whose token must not sleep, on a queue whose items may.

use kalloc::{prelude::*, work::{impl_has_bh_work, BhWork, BhWorkItem}};
use kernel::sync::Arc;

#[pin_data]
pub struct Item {
    value: u32,
    #[pin]
    work: BhWork<Item>,
}

impl_has_bh_work! {
    impl HasBhWork<Self> for Item { self.work }
}

impl BhWorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, cx: &mut BhCx<'_>) {
        drop(KBox::new(&cx, this.value));
    }
}

pub fn misuse(task: &mut TaskCx, item: Arc<Item>) {
    drop(kalloc::work::system_percpu().enqueue(task, item)); //~ ERROR: `Item` is not a work item that may sleep
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
