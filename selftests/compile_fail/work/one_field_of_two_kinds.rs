// SPDX-License-Identifier: GPL-2.0

//! One item, given to a queue that sleeps and to softirqs: the kind is that of its field.

use kalloc::{prelude::*, work::{impl_has_work, BhWorkItem, Work, WorkItem}};
use kernel::sync::Arc;

#[pin_data]
pub struct Item {
    #[pin]
    work: Work<Item>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;
    fn run(_this: Arc<Self>, _task: &mut TaskCx) {}
}

impl BhWorkItem for Item { //~ ERROR: type mismatch resolving
    type Pointer = Arc<Self>;
    fn run(_this: Arc<Self>, _cx: &mut BhCx<'_>) {}
}
