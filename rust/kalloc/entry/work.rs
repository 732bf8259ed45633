// SPDX-License-Identifier: GPL-2.0

//! Work items, on queues whose handlers may sleep and on BH queues. The types keep the two apart.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
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

use crate::{
    contexts::{
        tokens::{
            BhCx,
            TaskCx, //
        },
        traits::{
            MayReclaim,
            MaySleep,
            NotNmi, //
        },
    },
    entry::in_flight::{
        Begun,
        InFlight, //
    },
    ground::field::Field,
    memory::boxed::KBox, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem,
    pin::Pin, //
};
use kernel::{
    bindings,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::{
        pin_data,
        pin_init,
        PinInit, //
    },
    str::{
        CStr,
        CStrExt as _, //
    },
    sync::{
        Arc,
        LockClassKey, //
    },
    time::Jiffies,
    types::Opaque,
    workqueue, //
};

/// The kind of [`Work`] and [`DelayedWork`]: the handler may sleep.
#[derive(Debug)]
pub enum InThread {}

/// The kind of [`BhWork`]: the handler runs in a softirq.
#[derive(Debug)]
pub enum InSoftirq {}

/// The pointer that owns a work item while it is queued: `Arc<T>` or `Pin<KBox<T>>`.
///
/// # Safety
///
/// After [`WorkItemPointer::into_raw`] the `T` lives and is not moved until
/// [`WorkItemPointer::from_raw`] takes the pointer back.
pub unsafe trait WorkItemPointer: Sized + Send + 'static {
    /// The item.
    type Item;

    /// Gives up ownership of the item.
    fn into_raw(self) -> *mut Self::Item;

    /// Takes ownership of the item back.
    ///
    /// # Safety
    ///
    /// The pointer is from [`WorkItemPointer::into_raw`], and is used once.
    unsafe fn from_raw(item: *mut Self::Item) -> Self;
}

// SAFETY: `into_raw` keeps the reference count, so the `T` lives.
unsafe impl<T: Send + Sync + 'static> WorkItemPointer for Arc<T> {
    type Item = T;

    fn into_raw(self) -> *mut T {
        Arc::into_raw(self).cast_mut()
    }

    unsafe fn from_raw(item: *mut T) -> Self {
        // SAFETY: `# Safety`: `item` is from `into_raw`, and is used once.
        unsafe { Arc::from_raw(item) }
    }
}

// SAFETY: `into_raw` leaks the box, so the `T` lives and is not moved.
unsafe impl<T: Send + 'static> WorkItemPointer for Pin<KBox<T>> {
    type Item = T;

    fn into_raw(self) -> *mut T {
        // SAFETY: The value is not moved until `from_raw` pins it again.
        unsafe { Pin::into_inner_unchecked(self) }.into_raw()
    }

    unsafe fn from_raw(item: *mut T) -> Self {
        // SAFETY: `# Safety`: `item` is from `into_raw`, and is used once.
        let boxed = unsafe { KBox::from_raw(item) };
        // SAFETY: The value was pinned when `into_raw` took it, and has not been moved.
        unsafe { Pin::new_unchecked(boxed) }
    }
}

/// A work item of a `T` with this `ID`: [`Work`], [`DelayedWork`] or [`BhWork`].
///
/// # Safety
///
/// The type is one of these three, with that `T` and that `ID`, and its handler is for `Kind`.
pub unsafe trait WorkField<T, const ID: u64> {
    /// [`InThread`] or [`InSoftirq`].
    type Kind;

    /// The `work_struct` of the item.
    #[doc(hidden)]
    fn raw_get(this: *mut Self) -> *mut bindings::work_struct;

    /// The item that contains the `work_struct`.
    #[doc(hidden)]
    fn from_raw(work: *mut bindings::work_struct) -> *mut Self;
}

/// A type with a work item in a field. Implemented by [`impl_has_work!`],
/// [`impl_has_delayed_work!`] and [`impl_has_bh_work!`].
///
/// The trait is safe to implement: [`HasWork::FIELD`] proves that the type has the field, and the
/// type of the field determines the kind of the item.
pub trait HasWork<const ID: u64 = 0>: Sized {
    /// The item.
    type Field: WorkField<Self, ID>;

    /// The field.
    const FIELD: Field<Self, Self::Field>;
}

/// The `work_struct` of the item in `this`.
///
/// # Safety
///
/// `this` points to a valid `T`.
unsafe fn work_of<T: HasWork<ID>, const ID: u64>(this: *mut T) -> *mut bindings::work_struct {
    // SAFETY: Invariant of `Field`: a `T` has the field at this offset. `# Safety`: `this` points
    // to a valid `T`.
    let field = unsafe { this.byte_add(T::FIELD.offset()) };
    T::Field::raw_get(field.cast())
}

/// The `T` whose item contains `work`.
///
/// # Safety
///
/// `work` is from [`work_of`] for the same `T` and `ID`.
unsafe fn container_of<T: HasWork<ID>, const ID: u64>(work: *mut bindings::work_struct) -> *mut T {
    let field = T::Field::from_raw(work);
    // SAFETY: Invariant of `Field`: a `T` has the field at this offset. `# Safety`: `work` is from
    // `work_of` of a `T`.
    unsafe { field.byte_sub(T::FIELD.offset()) }.cast()
}

/// A type whose work item is a [`DelayedWork`].
#[diagnostic::on_unimplemented(
    message = "the work item of `{Self}` has no timer",
    label = "this takes a type with a `DelayedWork`",
    note = "its field is a `DelayedWork`, made by `new_delayed_work!` and named in `impl_has_delayed_work!`"
)]
pub trait HasDelayedWork<const ID: u64 = 0>: HasWork<ID, Field = DelayedWork<Self, ID>> {}

/// The handler of a [`Work`] or [`DelayedWork`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no work item that may sleep",
    label = "this queue takes a `WorkItem`",
    note = "an item for softirqs, a `BhWorkItem`, goes on `work::system_bh()`"
)]
pub trait WorkItem<const ID: u64 = 0>:
    HasWork<ID, Field: WorkField<Self, ID, Kind = InThread>>
{
    /// `Arc<Self>` or `Pin<KBox<Self>>`.
    type Pointer: WorkItemPointer<Item = Self>;

    /// Handles the item.
    ///
    /// # Context
    ///
    /// Process context, in a worker thread. May sleep.
    fn run(this: Self::Pointer, task: &mut TaskCx);
}

/// The handler of a [`BhWork`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no work item for softirqs",
    label = "this queue takes a `BhWorkItem`",
    note = "an item that may sleep, a `WorkItem`, goes on `work::system_percpu()` or another sleeping queue"
)]
pub trait BhWorkItem<const ID: u64 = 0>:
    HasWork<ID, Field: WorkField<Self, ID, Kind = InSoftirq>>
{
    /// `Arc<Self>` or `Pin<KBox<Self>>`.
    type Pointer: WorkItemPointer<Item = Self>;

    /// Handles the item.
    ///
    /// # Context
    ///
    /// Softirq context, which must not sleep. On `CONFIG_PREEMPT_RT` it is a thread with bottom
    /// halves disabled, in which a `spinlock_t` may be taken.
    fn run(this: Self::Pointer, cx: &mut BhCx<'_>);
}

/// The pointer and the count of an item that is no longer queued. The count is dropped last.
///
/// # Safety
///
/// `work` was queued with the result of `P::into_raw`, which is not used again.
#[inline]
unsafe fn dequeued<P, const ID: u64>(work: *mut bindings::work_struct) -> (Begun, P)
where
    P: WorkItemPointer<Item: HasWork<ID>>,
{
    // SAFETY: `# Safety`: `work` is that of an item. `enqueue` counted the item.
    let begun = unsafe { in_flight(work).begun() };
    // SAFETY: `# Safety`: `work` is that of an item of a `P::Item`.
    let item = unsafe { container_of::<P::Item, ID>(work) };
    // SAFETY: `# Safety`: the item was queued with the result of `into_raw`, which is not used
    // again.
    (begun, unsafe { P::from_raw(item) })
}

/// # Safety
///
/// `work` was queued with the result of `T::Pointer::into_raw`, which is not used again. The caller
/// is a worker thread.
unsafe extern "C" fn run<T: WorkItem<ID>, const ID: u64>(work: *mut bindings::work_struct) {
    // SAFETY: `# Safety`: queued with the result of `into_raw`, which is not used again.
    let (_begun, this) = unsafe { dequeued::<T::Pointer, ID>(work) };
    // SAFETY: A worker thread may sleep, and this is its only token.
    T::run(this, &mut unsafe { TaskCx::assume() });
}

/// # Safety
///
/// `work` was queued on a BH queue with the result of `T::Pointer::into_raw`, which is not used
/// again.
unsafe extern "C" fn run_bh<T: BhWorkItem<ID>, const ID: u64>(work: *mut bindings::work_struct) {
    // SAFETY: `# Safety`: queued with the result of `into_raw`, which is not used again.
    let (_begun, this) = unsafe { dequeued::<T::Pointer, ID>(work) };
    // SAFETY: A BH worker must not sleep and may take a `spinlock_t`. The handler can reach no
    // other token.
    T::run(this, &mut unsafe { BhCx::assume() });
}

macro_rules! items {
    ($(
        $(#[$doc:meta])*
        $name:ident, $item:ident, $kind:ident, $c:ident, $flush:ident, $cancel:ident;
    )*) => {$(
        $(#[$doc])*
        #[pin_data]
        #[repr(C)]
        pub struct $name<T, const ID: u64 = 0> {
            /// The record of the module with the function that runs the item.
            in_flight: InFlight,
            #[pin]
            work: Opaque<bindings::$c>,
            _item: PhantomData<fn(T)>,
        }

        const _: () = assert!(mem::offset_of!($name<()>, work) == size_of::<InFlight>());

        // SAFETY: Any thread may use a work item, and this one contains no `T`.
        unsafe impl<T, const ID: u64> Send for $name<T, ID> {}
        // SAFETY: As for `Send`.
        unsafe impl<T, const ID: u64> Sync for $name<T, ID> {}

        impl<T: $item<ID>, const ID: u64> $name<T, ID> {
            #[doc = concat!("Waits until the item is neither queued nor running; wraps `", stringify!($flush), "()`.")]
            /// Returns whether it had to wait.
            ///
            /// A call from the item's own handler deadlocks. Code that reclaim waits for
            /// (`memalloc_noreclaim_save()`) must not call it: the item may wait for memory, and
            /// the kernel warns.
            ///
            /// # Context
            ///
            /// Process context. May sleep.
            pub fn $flush<C: MaySleep + MayReclaim>(&self, _cx: &C) -> bool {
                // SAFETY: `new` initialised the item. `C` is `MaySleep` and `MayReclaim`: the
                // caller may sleep, and is not in a no-reclaim scope.
                unsafe { bindings::$flush(self.work.get()) }
            }

            #[doc = concat!("Removes the item from its queue and waits until it does not run; wraps `", stringify!($cancel), "()`.")]
            /// Returns the item's pointer if it was queued.
            ///
            /// A call from the item's own handler deadlocks.
            ///
            /// # Context
            ///
            /// Process context. May sleep.
            pub fn $cancel<C: MaySleep>(&self, _cx: &C) -> Option<T::Pointer> {
                // SAFETY: `new` initialised the item, and the caller may sleep.
                if !unsafe { bindings::$cancel(self.work.get()) } {
                    return None;
                }
                // SAFETY: The item was queued. Its handler will not run, so the pointer from
                // `into_raw` is not used otherwise.
                let (_begun, item) = unsafe { dequeued::<T::Pointer, ID>(self.work.get().cast()) };
                Some(item)
            }
        }

        // SAFETY: The type is one of the three, and its handler is for that kind.
        unsafe impl<T, const ID: u64> WorkField<T, ID> for $name<T, ID> {
            type Kind = $kind;

            fn raw_get(this: *mut Self) -> *mut bindings::work_struct {
                this.wrapping_byte_add(mem::offset_of!(Self, work)).cast()
            }

            fn from_raw(work: *mut bindings::work_struct) -> *mut Self {
                work.wrapping_byte_sub(mem::offset_of!(Self, work)).cast()
            }
        }

        impl<T, const ID: u64> fmt::Debug for $name<T, ID> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

const _: () = assert!(mem::offset_of!(bindings::delayed_work, work) == 0);

/// The record of an item, which is directly before its `work_struct` in each of the three types.
///
/// # Safety
///
/// `work` is that of a [`Work`], [`DelayedWork`] or [`BhWork`], which lives as long as the result.
#[inline]
unsafe fn in_flight<'a>(work: *mut bindings::work_struct) -> &'a InFlight {
    // SAFETY: `# Safety`: `work` is that of one of the three types, whose layout is asserted above.
    unsafe { &*work.cast::<InFlight>().sub(1) }
}

items! {
    /// A work item whose handler may sleep, for a field of a [`WorkItem`]. Wraps
    /// `struct work_struct`.
    Work, WorkItem, InThread, work_struct, flush_work, cancel_work_sync;
    /// A work item whose handler may sleep and that can be queued for later, for a field of a
    /// [`WorkItem`]. Wraps `struct delayed_work`.
    DelayedWork, WorkItem, InThread, delayed_work, flush_delayed_work, cancel_delayed_work_sync;
    /// A work item whose handler runs in a softirq, for a field of a [`BhWorkItem`]. Wraps
    /// `struct work_struct`.
    BhWork, BhWorkItem, InSoftirq, work_struct, flush_work, cancel_work_sync;
}

/// Wraps `INIT_WORK()`.
///
/// # Safety
///
/// `work` is valid for writes. `run` handles the item on every queue that it is queued on.
#[inline]
unsafe fn init_work(
    work: *mut bindings::work_struct,
    run: unsafe extern "C" fn(*mut bindings::work_struct),
    name: &'static CStr,
    key: Pin<&'static LockClassKey>,
) {
    // SAFETY: `# Safety`: `work` is valid for writes, and `run` handles the item. Name and key are
    // static.
    unsafe {
        bindings::init_work_with_key(work, Some(run), false, name.as_char_ptr(), key.as_ptr())
    }
}

impl<T: WorkItem<ID>, const ID: u64> Work<T, ID> {
    /// See [`new_work!`].
    #[doc(hidden)]
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        let run = run::<T, ID> as unsafe extern "C" fn(_);
        pin_init!(Self {
            in_flight: InFlight::of(run as *const c_void),
            work <- Opaque::ffi_init(move |work| {
                // SAFETY: `work` is valid for writes, and `run` handles items that `Queue` queues.
                unsafe { init_work(work, run, name, key) }
            }),
            _item: PhantomData,
        })
    }
}

impl<T: BhWorkItem<ID>, const ID: u64> BhWork<T, ID> {
    /// See [`new_bh_work!`].
    #[doc(hidden)]
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        let run = run_bh::<T, ID> as unsafe extern "C" fn(_);
        pin_init!(Self {
            in_flight: InFlight::of(run as *const c_void),
            work <- Opaque::ffi_init(move |work| {
                // SAFETY: `work` is valid for writes, and `run_bh` handles items that `BhQueue`
                // queues.
                unsafe { init_work(work, run, name, key) }
            }),
            _item: PhantomData,
        })
    }
}

impl<T: WorkItem<ID>, const ID: u64> DelayedWork<T, ID> {
    /// See [`new_delayed_work!`].
    #[doc(hidden)]
    pub fn new(
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
        timer_name: &'static CStr,
        timer_key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        let run = run::<T, ID> as unsafe extern "C" fn(_);
        pin_init!(Self {
            in_flight: InFlight::of(run as *const c_void),
            work <- Opaque::ffi_init(move |work: *mut bindings::delayed_work| {
                // SAFETY: `work` is valid for writes, and `run` handles items that `Queue` queues.
                unsafe { init_work(work.cast(), run, name, key) };
                // SAFETY: `work` is valid for writes.
                let timer = unsafe { &raw mut (*work).timer };
                // SAFETY: The timer is that of a `delayed_work`, as `delayed_work_timer_fn()`
                // requires.
                unsafe {
                    bindings::timer_init_key(
                        timer,
                        Some(bindings::delayed_work_timer_fn),
                        bindings::TIMER_IRQSAFE,
                        timer_name.as_char_ptr(),
                        timer_key.as_ptr(),
                    )
                }
            }),
            _item: PhantomData,
        })
    }
}

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

/// Initialises an item, with its own lock class.
#[doc(hidden)]
#[macro_export]
macro_rules! __new_work {
    ($work:ident $($name:literal)?) => {
        $crate::__macro::$work::new(
            $crate::__macro::kernel::optional_name!($($name)?),
            $crate::__macro::kernel::static_lock_class!(),
        )
    };
}

/// Initialises a [`Work`], with its own lock class. Wraps `INIT_WORK()`.
#[doc(inline)]
pub use crate::new_work;
/// As the documentation of [`new_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! new_work {
    ($($name:literal)?) => { $crate::__new_work!(Work $($name)?) };
}

/// Initialises a [`BhWork`], with its own lock class. Wraps `INIT_WORK()`.
#[doc(inline)]
pub use crate::new_bh_work;
/// As the documentation of [`new_bh_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! new_bh_work {
    ($($name:literal)?) => { $crate::__new_work!(BhWork $($name)?) };
}

/// Initialises a [`DelayedWork`], with its own lock classes. Wraps `INIT_DELAYED_WORK()`.
#[doc(inline)]
pub use crate::new_delayed_work;
/// As the documentation of [`new_delayed_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! new_delayed_work {
    ($($name:literal)?) => {
        $crate::__macro::DelayedWork::new(
            $crate::__macro::kernel::optional_name!($($name)?),
            $crate::__macro::kernel::static_lock_class!(),
            $crate::__macro::kernel::c_str!($crate::__macro::core::concat!($($name,)? "_timer")),
            $crate::__macro::kernel::static_lock_class!(),
        )
    };
}

/// The common part of the three macros below.
#[doc(hidden)]
#[macro_export]
macro_rules! __impl_has_work {
    ([$($generics:tt)*] $work:ident $id:tt $self:ty, $field:ident) => {
        impl<$($generics)*> $crate::__macro::HasWork<$id> for $self {
            type Field = $crate::__macro::$work<Self, $id>;
            const FIELD: $crate::__macro::Field<Self, Self::Field> = $crate::field!(Self, $field);
        }
    };
}

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
/// As the documentation of [`impl_has_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_has_work {
    ($(
        impl $({$($generics:tt)*})? HasWork<Self $(, $id:tt)?> for $self:ty { self.$field:ident }
    )*) => {$(
        $crate::__impl_has_work! {
            [$($($generics)*)?] Work { 0 $(+ $id)? } $self, $field
        }
    )*};
}

/// Declares the field of a type that is its [`BhWork`].
///
/// ```ignore
/// impl_has_bh_work! {
///     impl HasBhWork<Self> for Packets { self.work }
/// }
/// ```
#[doc(inline)]
pub use crate::impl_has_bh_work;
/// As the documentation of [`impl_has_bh_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_has_bh_work {
    ($(
        impl $({$($generics:tt)*})? HasBhWork<Self $(, $id:tt)?> for $self:ty { self.$field:ident }
    )*) => {$(
        $crate::__impl_has_work! {
            [$($($generics)*)?] BhWork { 0 $(+ $id)? } $self, $field
        }
    )*};
}

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
/// As the documentation of [`impl_has_delayed_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_has_delayed_work {
    ($(
        impl $({$($generics:tt)*})? HasDelayedWork<Self $(, $id:tt)?> for $self:ty { self.$field:ident }
    )*) => {$(
        $crate::__impl_has_work! {
            [$($($generics)*)?] DelayedWork { 0 $(+ $id)? } $self, $field
        }
        impl<$($($generics)*)?> $crate::__macro::HasDelayedWork<{ 0 $(+ $id)? }> for $self {}
    )*};
}
