// SPDX-License-Identifier: GPL-2.0

//! [`Queue`] and [`BhQueue`]: queues whose items may sleep, and queues whose items run in softirqs.

use super::{
    item::{
        in_flight,
        work_of,
        BhWorkItem,
        HasDelayedWork,
        HasWork,
        WorkItem, //
    },
    pointer::WorkItemPointer, //
};
use crate::contexts::traits::NotNmi;
use core::fmt;
use kalloc_bindings::KALLOC_CONST_MAX_JIFFY_OFFSET;
use kernel::{
    bindings,
    ffi::c_int,
    time::Jiffies,
    workqueue, //
};

/// A queue whose items may sleep. Wraps `struct workqueue_struct`.
#[repr(transparent)]
pub struct Queue(workqueue::Queue);

/// A queue whose items run in softirqs. Wraps a `struct workqueue_struct` with `WQ_BH`.
#[repr(transparent)]
pub struct BhQueue(workqueue::Queue);

/// Queues `item` by `queue_work`, which returns whether it queued the item.
///
/// # Safety
///
/// `queue_work` queues the item on a queue of the kind of the item, or leaves it alone.
#[inline]
unsafe fn enqueue<P: WorkItemPointer, const ID: u64>(
    item: P,
    queue_work: impl FnOnce(*mut bindings::work_struct) -> bool,
) -> Result<(), P>
where
    P::Item: HasWork<ID>,
{
    let raw = item.into_raw();
    // SAFETY: After `into_raw` the item is valid.
    let work = unsafe { work_of::<P::Item, ID>(raw) };
    // SAFETY: `work` is that of an item of `raw`.
    if let Some(begun) = unsafe { in_flight(work) }.begin() {
        if queue_work(work) {
            begun.forget();
            return Ok(());
        }
    }
    // SAFETY: The item was not queued, so the pointer from `into_raw` is not used otherwise.
    Err(unsafe { P::from_raw(raw) })
}

const ANY_CPU: c_int = bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int;

impl Queue {
    fn as_ptr(&self) -> *mut bindings::workqueue_struct {
        (&raw const *self).cast_mut().cast()
    }

    /// Queues an item; wraps `queue_work()`.
    ///
    /// Returns the item if it is queued already, if it is being cancelled, or if the module is
    /// ending.
    ///
    /// # Context
    ///
    /// Any context except an NMI handler. Does not sleep.
    #[doc(alias("queue_work", "schedule_work"))]
    pub fn enqueue<P: WorkItemPointer, const ID: u64>(
        &self,
        _cx: &impl NotNmi,
        item: P,
    ) -> Result<(), P>
    where
        P::Item: WorkItem<ID, Pointer = P>,
    {
        let queue = self.as_ptr();
        let queue_work = |work| {
            // SAFETY: The queue is valid. The item is valid until its handler takes it.
            unsafe { bindings::queue_work_on(ANY_CPU, queue, work) }
        };
        // SAFETY: The items of a `Queue` may sleep.
        unsafe { enqueue::<P, ID>(item, queue_work) }
    }

    /// Queues an item after `delay`; wraps `queue_delayed_work()`.
    ///
    /// Returns the item if it is queued already, if it is being cancelled, or if the module is
    /// ending.
    ///
    /// # Context
    ///
    /// Any context except an NMI handler. Does not sleep.
    #[doc(alias("queue_delayed_work", "schedule_delayed_work"))]
    pub fn enqueue_delayed<P: WorkItemPointer, const ID: u64>(
        &self,
        _cx: &impl NotNmi,
        item: P,
        delay: Jiffies,
    ) -> Result<(), P>
    where
        P::Item: WorkItem<ID, Pointer = P> + HasDelayedWork<ID>,
    {
        let queue = self.as_ptr();
        // `time_before()` takes a later time for one in the past.
        let delay = delay.min(KALLOC_CONST_MAX_JIFFY_OFFSET);
        let queue_work = |work: *mut bindings::work_struct| {
            // SAFETY: The queue is valid. The item, a `delayed_work`, is valid until its handler
            // takes it.
            unsafe { bindings::queue_delayed_work_on(ANY_CPU, queue, work.cast(), delay) }
        };
        // SAFETY: The items of a `Queue` may sleep.
        unsafe { enqueue::<P, ID>(item, queue_work) }
    }
}

impl BhQueue {
    /// Queues an item; wraps `queue_work()`.
    ///
    /// Returns the item if it is queued already, if it is being cancelled, or if the module is
    /// ending.
    ///
    /// # Context
    ///
    /// Any context except an NMI handler. Does not sleep.
    pub fn enqueue<P: WorkItemPointer, const ID: u64>(
        &self,
        _cx: &impl NotNmi,
        item: P,
    ) -> Result<(), P>
    where
        P::Item: BhWorkItem<ID, Pointer = P>,
    {
        let queue = (&raw const *self).cast_mut().cast();
        let queue_work = |work| {
            // SAFETY: The queue is valid. The item is valid until its handler takes it.
            unsafe { bindings::queue_work_on(ANY_CPU, queue, work) }
        };
        // SAFETY: The items of a `BhQueue` run in softirqs.
        unsafe { enqueue::<P, ID>(item, queue_work) }
    }
}

macro_rules! queues {
    ($($queue:ident { $($name:ident = $wq:ident, $doc:literal;)* })*) => {
        $($(
            #[doc = concat!("The system's queue ", $doc, ", `", stringify!($wq), "`.")]
            #[inline]
            pub fn $name() -> &'static $queue {
                // SAFETY: The kernel sets the variable before any module runs, and does not change
                // it again.
                let queue = unsafe { bindings::$wq };
                // SAFETY: The kernel does not destroy its own queues.
                let queue: *const workqueue::Queue = unsafe { workqueue::Queue::from_raw(queue) };
                // SAFETY: `$queue` is a transparent wrapper, and the queue is of this kind.
                unsafe { &*queue.cast() }
            }
        )*)*
        $(
            impl fmt::Debug for $queue {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($queue))
                }
            }
        )*
    };
}

// Without the kernel crate's `system` and `system_unbound`: the kernel logs the use of these two.
queues! {
    Queue {
        system_percpu = system_percpu_wq, "for items that are soon done, on the CPU that queues them";
        system_highpri = system_highpri_wq, "for items of high priority";
        system_long = system_long_wq, "for items that take long";
        system_dfl = system_dfl_wq, "for items that are not bound to a CPU";
        system_freezable = system_freezable_wq, "that stops for suspend";
        system_power_efficient = system_power_efficient_wq, "that saves power";
        system_freezable_power_efficient = system_freezable_power_efficient_wq,
            "that saves power and stops for suspend";
    }
    BhQueue {
        system_bh = system_bh_wq, "for softirqs";
        system_bh_highpri = system_bh_highpri_wq, "for softirqs of high priority";
    }
}
