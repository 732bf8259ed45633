// SPDX-License-Identifier: GPL-2.0

//! A module with generic types for other modules: work items and threads that run a closure of their
//! user's.

use kalloc::{
    kthread::{kthread_run, Kthread, This},
    prelude::*,
    work::{self, impl_has_work, new_work, Work, WorkItem},
};

/// An item that runs a closure.
#[pin_data]
pub struct Job<F> {
    closure: Option<F>,
    #[pin]
    work: Work<Job<F>>,
}

impl_has_work! {
    impl{F: FnOnce(&mut Task) + Send + 'static} HasWork<Self> for Job<F> { self.work }
}

impl<F: FnOnce(&mut Task) + Send + 'static> WorkItem for Job<F> {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>, task: &mut Task) {
        if let Some(closure) = this.as_mut().project().closure.take() {
            closure(task)
        }
    }
}

/// Runs `closure` in a work item.
pub fn later<F: FnOnce(&mut Task) + Send + 'static>(task: &Task, closure: F) -> Result {
    let job = KBox::pin_init(
        task,
        pin_init!(Job {
            closure: Some(closure),
            work <- new_work!(),
        }),
    )?;
    work::system_dfl()
        .enqueue(task, job)
        .map_err(|_not_queued| EBUSY)
}

/// Runs `closure` in a thread.
pub fn beside<F: FnOnce(&mut Task) + Send + 'static>(task: &Task, closure: F) -> Result {
    let thread: Kthread<()> = kthread_run!(
        task,
        c"kalloc_beside",
        |mut task: Task, _this: &This<'_>| closure(&mut task)
    )?;
    drop(thread);
    Ok(())
}

struct Library;

impl kalloc::Module for Library {
    fn init(_module: &'static ThisModule, _task: Task) -> Result<Self> {
        Ok(Library)
    }
}

kalloc::module! {
    type: Library,
    name: "kalloc_library",
    authors: ["The kalloc authors"],
    description: "A library for test_library",
    license: "GPL",
}
