// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{
    prelude::*,
    work::{
        self, impl_has_bh_work, impl_has_delayed_work, impl_has_work, new_bh_work, new_delayed_work,
        new_work, BhWork, BhWorkItem, DelayedWork, Work, WorkItem,
    },
};
use kernel::sync::Arc;

/// One of each kind.
#[pin_data]
pub struct Item {
    #[pin]
    work: Work<Item>,
    #[pin]
    delayed: DelayedWork<Item, 1>,
    #[pin]
    bh: BhWork<Item, 3>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}
impl_has_delayed_work! {
    impl HasDelayedWork<Self, 1> for Item { self.delayed }
}
impl_has_bh_work! {
    impl HasBhWork<Self, 3> for Item { self.bh }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, task: &mut TaskCx) {
        drop(KBox::new(&task, 1u32));
    }
}

impl WorkItem<1> for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _task: &mut TaskCx) {}
}

impl BhWorkItem<3> for Item {
    type Pointer = Arc<Self>;

    // To a thread from a softirq.
    fn run(this: Arc<Self>, cx: &mut BhCx<'_>) {
        drop(KBox::new(&cx, 1u32));
        drop(work::system_percpu().enqueue::<_, 0>(cx, this));
    }
}

/// With what is generic, too.
#[pin_data]
pub struct Generic<T> {
    value: T,
    #[pin]
    work: Work<Generic<T>>,
}

impl_has_work! {
    impl{T: Send + Sync + 'static} HasWork<Self> for Generic<T> { self.work }
}

impl<T: Send + Sync + 'static> WorkItem for Generic<T> {
    type Pointer = Pin<KBox<Self>>;

    fn run(_this: Pin<KBox<Self>>, _task: &mut TaskCx) {}
}

pub fn start(task: &mut TaskCx) -> Result {
    let item = Arc::pin_init_with(&task, pin_init!(Item {
        work <- new_work!("Item::work"),
        delayed <- new_delayed_work!("Item::delayed"),
        bh <- new_bh_work!(),
    }))?;
    drop(task.irqs_off(|cx| work::system_bh().enqueue(cx, item.clone())));
    drop(work::system_percpu().enqueue_delayed::<_, 1>(task, item.clone(), 10));
    drop(item.delayed.cancel_delayed_work_sync(task));
    item.bh.flush_work(task);
    let generic = KBox::pin_init(&task, pin_init!(Generic { value: 1u32, work <- new_work!() }))?;
    drop(work::system_dfl().enqueue(task, generic));
    Ok(())
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
