// SPDX-License-Identifier: GPL-2.0

//! A handler that runs in a softirq, with the signature of one that may sleep.

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

    fn run(this: Arc<Self>, task: &mut TaskCx) { //~ ERROR: incompatible type for trait
        drop(KBox::new(&task, this.value));
    }
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
