// SPDX-License-Identifier: GPL-2.0

//! Work items, on queues whose handlers may sleep and on BH queues. The types keep the two apart.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
//!
//! The page [Entry points](pages/entry.html) says more.
//!
//! A driver written for [`kernel::workqueue`] changes the imports, the signature of `run`, and the
//! calls of `enqueue`, which take a token:
//!
//! | item | trait | queue | token of `run` |
//! | --- | --- | --- | --- |
//! | [`Work`], [`DelayedWork`] | [`WorkItem`] | [`Queue`]: [`system_percpu`], … | [`TaskCx`] |
//! | [`BhWork`] | [`BhWorkItem`] | [`BhQueue`]: [`system_bh`], … | [`BhCx`] |
//!
//! The kernel crate's traits are not used: they give every caller a safe function that runs the
//! handler, and the kernel crate's BH queues accept every item.
//!
//! ```
//! use kalloc::prelude::*;
//! use kalloc::work::{self, impl_has_work, new_work, Work, WorkItem};
//! use kernel::sync::Arc;
//!
//! #[pin_data]
//! struct Report {
//!     value: u32,
//!     #[pin]
//!     work: Work<Report>,
//! }
//!
//! impl_has_work! {
//!     impl HasWork<Self> for Report { self.work }
//! }
//!
//! impl WorkItem for Report {
//!     type Pointer = Arc<Self>;
//!
//!     fn run(this: Arc<Self>, task: &mut TaskCx) {
//!         if let Ok(copy) = KBox::new(&task, this.value) {
//!             pr_info!("the value is {}\n", *copy);
//!         }
//!     }
//! }
//!
//! fn report_later(cx: &AtomicCx<'_>, report: Arc<Report>) -> Result {
//!     work::system_percpu().enqueue(cx, report).map_err(|_not_queued| EBUSY)
//! }
//!
//! fn report(task: &TaskCx, value: u32) -> Result<Arc<Report>> {
//!     Arc::pin_init_with(task, pin_init!(Report {
//!         value,
//!         work <- new_work!("Report::work"),
//!     }))
//! }
//! ```
//!
//! # When a module ends
//!
//! A queued item keeps its `Arc` or box. The end of a module waits for the module's items: see
//! [`in_flight`](crate::in_flight). Queueing fails from then on, so an item that requeues itself
//! ends too.
//!
//! [`TaskCx`]: crate::context::TaskCx
//! [`BhCx`]: crate::context::BhCx

mod declare;
mod item;
mod pointer;
mod queue;

pub use item::{
    BhWork,
    BhWorkItem,
    DelayedWork,
    HasDelayedWork,
    HasWork,
    InSoftirq,
    InThread,
    Work,
    WorkField,
    WorkItem, //
};
pub use pointer::WorkItemPointer;
pub use queue::{
    system_bh,
    system_bh_highpri,
    system_dfl,
    system_freezable,
    system_freezable_power_efficient,
    system_highpri,
    system_long,
    system_percpu,
    system_power_efficient,
    BhQueue,
    Queue, //
};

/// Initialises a [`Work`], with its own lock class. Wraps `INIT_WORK()`.
#[doc(inline)]
pub use crate::new_work;

/// Initialises a [`BhWork`], with its own lock class. Wraps `INIT_WORK()`.
#[doc(inline)]
pub use crate::new_bh_work;

/// Initialises a [`DelayedWork`], with its own lock classes. Wraps `INIT_DELAYED_WORK()`.
#[doc(inline)]
pub use crate::new_delayed_work;

/// Declares the field of a type that is its [`Work`], as [`kernel::workqueue::impl_has_work!`]
/// does.
///
/// ```ignore
/// impl_has_work! {
///     impl HasWork<Self> for Report { self.work }
///     impl{T: Send} HasWork<Self, 1> for Other<T> { self.other_work }
/// }
/// ```
#[doc(inline)]
pub use crate::impl_has_work;

/// Declares the field of a type that is its [`BhWork`].
///
/// ```ignore
/// impl_has_bh_work! {
///     impl HasBhWork<Self> for Packets { self.work }
/// }
/// ```
#[doc(inline)]
pub use crate::impl_has_bh_work;

/// Declares the field of a type that is its [`DelayedWork`], as
/// [`kernel::workqueue::impl_has_delayed_work!`] does.
///
/// ```ignore
/// impl_has_delayed_work! {
///     impl HasDelayedWork<Self> for Watchdog { self.work }
/// }
/// ```
#[doc(inline)]
pub use crate::impl_has_delayed_work;
