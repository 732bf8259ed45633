// SPDX-License-Identifier: GPL-2.0

//! Work items: on queues whose handlers may sleep, and on BH queues, kept apart by type.
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
//! The kernel crate's traits are not used, because they give every caller a safe function that runs
//! the handler, and because its BH queues take every item.
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
//! A queued item keeps its `Arc` or box, and the end of a module waits for the module's items: see
//! [`in_flight`](crate::in_flight). Queueing fails from then on, so an item that queues itself again
//! and again comes to an end.

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
    entry::in_flight::InFlight,
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

/// Items whose handler may sleep: the kind of [`Work`] and [`DelayedWork`].
#[derive(Debug)]
pub enum InThread {}

/// Items whose handler runs in a softirq: the kind of [`BhWork`].
#[derive(Debug)]
pub enum InSoftirq {}

/// What a work item is behind while it is queued: `Arc<T>` or `Pin<KBox<T>>`.
///
/// # Safety
///
/// [`WorkItemPointer::into_raw`] keeps the `T`, where it is, until [`WorkItemPointer::from_raw`] takes it back.
pub unsafe trait WorkItemPointer: Sized + Send + 'static {
    /// The item.
    type Item;

    /// Hands the item over.
    fn into_raw(self) -> *mut Self::Item;

    /// Takes it back.
    ///
    /// # Safety
    ///
    /// The pointer is from [`WorkItemPointer::into_raw`], and is used once.
    unsafe fn from_raw(item: *mut Self::Item) -> Self;
}

// SAFETY: `into_raw` keeps the count.
unsafe impl<T: Send + Sync + 'static> WorkItemPointer for Arc<T> {
    type Item = T;

    fn into_raw(self) -> *mut T {
        Arc::into_raw(self).cast_mut()
    }

    unsafe fn from_raw(item: *mut T) -> Self {
        // SAFETY: By the contract of this function.
        unsafe { Arc::from_raw(item) }
    }
}

// SAFETY: `into_raw` keeps the box.
unsafe impl<T: Send + 'static> WorkItemPointer for Pin<KBox<T>> {
    type Item = T;

    fn into_raw(self) -> *mut T {
        // SAFETY: It is not moved until `from_raw` pins it again.
        unsafe { Pin::into_inner_unchecked(self) }.into_raw()
    }

    unsafe fn from_raw(item: *mut T) -> Self {
        // SAFETY: By the contract of this function.
        let boxed = unsafe { KBox::from_raw(item) };
        // SAFETY: It was pinned in `into_raw`.
        unsafe { Pin::new_unchecked(boxed) }
    }
}

/// The items: [`Work`], [`DelayedWork`] and [`BhWork`] of a `T`, with this `ID`.
///
/// # Safety
///
/// It is one of the three, of that `T` and that `ID`, and `Kind` is what its handler is for.
pub unsafe trait WorkField<T, const ID: u64> {
    /// [`InThread`] or [`InSoftirq`].
    type Kind;

    /// The `work_struct` of the item.
    #[doc(hidden)]
    fn raw_get(this: *mut Self) -> *mut bindings::work_struct;

    /// The item that has the `work_struct`.
    #[doc(hidden)]
    fn from_raw(work: *mut bindings::work_struct) -> *mut Self;
}

/// Says that a type has an item, and where. Implemented by [`impl_has_work!`],
/// [`impl_has_delayed_work!`] and [`impl_has_bh_work!`].
///
/// It is safe: [`HasWork::FIELD`] proves that the item is there, and the type of the field says of
/// which kind it is.
pub trait HasWork<const ID: u64 = 0>: Sized {
    /// The item.
    type Field: WorkField<Self, ID>;

    /// Where it is.
    const FIELD: Field<Self, Self::Field>;
}

/// The `work_struct` of what has an item.
///
/// # Safety
///
/// `this` is to a valid `T`.
unsafe fn work_of<T: HasWork<ID>, const ID: u64>(this: *mut T) -> *mut bindings::work_struct {
    // SAFETY: By the invariant of `Field`, and the contract of this function.
    let field = unsafe { this.byte_add(T::FIELD.offset()) };
    T::Field::raw_get(field.cast())
}

/// What has an item.
///
/// # Safety
///
/// `work` is from [`work_of`] for the same `T` and `ID`.
unsafe fn container_of<T: HasWork<ID>, const ID: u64>(work: *mut bindings::work_struct) -> *mut T {
    let field = T::Field::from_raw(work);
    // SAFETY: By the invariant of `Field`, and the contract of this function.
    unsafe { field.byte_sub(T::FIELD.offset()) }.cast()
}

/// Says that the item is a [`DelayedWork`].
#[diagnostic::on_unimplemented(
    message = "the work item of `{Self}` has no timer",
    label = "this takes a type with a `DelayedWork`",
    note = "its field is a `DelayedWork`, made by `new_delayed_work!` and named in `impl_has_delayed_work!`"
)]
pub trait HasDelayedWork<const ID: u64 = 0>: HasWork<ID, Field = DelayedWork<Self, ID>> {}

/// What a [`Work`] or [`DelayedWork`] does.
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

    /// Runs in a thread of the kernel, which may sleep.
    fn run(this: Self::Pointer, task: &mut TaskCx);
}

/// What a [`BhWork`] does.
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

    /// Runs in a softirq, which must not sleep. On `CONFIG_PREEMPT_RT` that is a thread with bottom
    /// halves disabled, in which a `spinlock_t` may be taken.
    fn run(this: Self::Pointer, cx: &mut BhCx<'_>);
}

/// # Safety
///
/// `work` was queued with the result of `T::Pointer::into_raw`, which is not used again. Called in
/// a worker.
unsafe extern "C" fn run<T: WorkItem<ID>, const ID: u64>(work: *mut bindings::work_struct) {
    // SAFETY: It is that of an item, which `enqueue` counted when it queued it, for this call. It
    // ends after all else here.
    let _begun = unsafe { in_flight(work).begun() };
    // SAFETY: By the contract of this function.
    let item = unsafe { container_of::<T, ID>(work) };
    // SAFETY: By the contract of this function.
    let this = unsafe { T::Pointer::from_raw(item) };
    // SAFETY: Workers are threads that may sleep, and it is the only token in this one.
    T::run(this, &mut unsafe { TaskCx::assume() });
}

/// # Safety
///
/// `work` was queued on a BH queue with the result of `T::Pointer::into_raw`, which is not used
/// again.
unsafe extern "C" fn run_bh<T: BhWorkItem<ID>, const ID: u64>(work: *mut bindings::work_struct) {
    // SAFETY: It is that of an item, which `enqueue` counted when it queued it, for this call. It
    // ends after all else here.
    let _begun = unsafe { in_flight(work).begun() };
    // SAFETY: By the contract of this function.
    let item = unsafe { container_of::<T, ID>(work) };
    // SAFETY: By the contract of this function.
    let this = unsafe { T::Pointer::from_raw(item) };
    // SAFETY: BH workers must not sleep and may take a `spinlock_t`, and no other token is in reach.
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
            /// That of the module with the function that runs it.
            in_flight: InFlight,
            #[pin]
            work: Opaque<bindings::$c>,
            _item: PhantomData<fn(T)>,
        }

        const _: () = assert!(mem::offset_of!($name<()>, work) == size_of::<InFlight>());

        // SAFETY: Work items are for every thread, and this has no `T`.
        unsafe impl<T, const ID: u64> Send for $name<T, ID> {}
        // SAFETY: As above.
        unsafe impl<T, const ID: u64> Sync for $name<T, ID> {}

        impl<T: $item<ID>, const ID: u64> $name<T, ID> {
            #[doc = concat!("Waits until the item is not queued and does not run, wraps `", stringify!($flush), "()`.")]
            /// Whether there was something to wait for.
            ///
            /// Called by the item's own handler it waits for ever. Not for code that frees memory
            /// for the kernel (`memalloc_noreclaim_save()`): the item may wait for memory, and the
            /// kernel warns.
            pub fn $flush<C: MaySleep + MayReclaim>(&self, _cx: &C) -> bool {
                // SAFETY: It was initialised by `new`; this sleeps, which the caller may, and the
                // thread is not in a no-reclaim scope.
                unsafe { bindings::$flush(self.work.get()) }
            }

            #[doc = concat!("Takes the item from its queue and waits until it does not run, wraps `", stringify!($cancel), "()`.")]
            /// What was queued, if it was.
            ///
            /// Called by the item's own handler it waits for ever.
            pub fn $cancel<C: MaySleep>(&self, _cx: &C) -> Option<T::Pointer> {
                // SAFETY: It was initialised by `new`; this sleeps, which the caller may.
                if !unsafe { bindings::$cancel(self.work.get()) } {
                    return None;
                }
                // SAFETY: `enqueue` counted it for its handler, which will not run.
                drop(unsafe { self.in_flight.begun() });
                // SAFETY: It was queued, so it is the item of a `T`.
                let item = unsafe { container_of::<T, ID>(self.work.get().cast()) };
                // SAFETY: What was queued is ours again, since its handler will not run.
                Some(unsafe { T::Pointer::from_raw(item) })
            }
        }

        // SAFETY: It is one of the three, and its handler is for that kind.
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

/// What is counted for an item is before its `work_struct`, in each of them.
///
/// # Safety
///
/// `work` is that of a [`Work`], [`DelayedWork`] or [`BhWork`], which lives as long as the result.
#[inline]
unsafe fn in_flight<'a>(work: *mut bindings::work_struct) -> &'a InFlight {
    // SAFETY: By the contract of this function: the layout of the three is asserted above.
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

impl<T: WorkItem<ID>, const ID: u64> Work<T, ID> {
    /// See [`new_work!`].
    #[doc(hidden)]
    pub fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        let run = run::<T, ID> as unsafe extern "C" fn(_);
        pin_init!(Self {
            in_flight: InFlight::of(run as *const c_void),
            work <- Opaque::ffi_init(move |work| {
                // SAFETY: `work` is valid for writes, and `run` is for what `Queue` queues.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(run),
                        false,
                        name.as_char_ptr(),
                        key.as_ptr(),
                    )
                }
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
                // SAFETY: `work` is valid for writes, and `run_bh` is for what `BhQueue` queues.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(run),
                        false,
                        name.as_char_ptr(),
                        key.as_ptr(),
                    )
                }
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
                // SAFETY: `work` is valid for writes, and `run` is for what `Queue` queues.
                unsafe {
                    bindings::init_work_with_key(
                        work.cast(),
                        Some(run),
                        false,
                        name.as_char_ptr(),
                        key.as_ptr(),
                    )
                };
                // SAFETY: `work` is valid for writes.
                let timer = unsafe { &raw mut (*work).timer };
                // SAFETY: The timer is that of a `delayed_work`, which the function is for.
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

/// Queues `item` by `queue_work`, which says whether it did.
///
/// # Safety
///
/// `queue_work` queues the item on a queue of the kind that its field is for, or leaves it alone.
#[inline]
unsafe fn enqueue<P: WorkItemPointer, const ID: u64>(
    item: P,
    queue_work: impl FnOnce(*mut bindings::work_struct) -> bool,
) -> Result<(), P>
where
    P::Item: HasWork<ID>,
{
    let raw = item.into_raw();
    // SAFETY: `into_raw` keeps it valid.
    let work = unsafe { work_of::<P::Item, ID>(raw) };
    // SAFETY: It is that of an item of `raw`.
    if let Some(begun) = unsafe { in_flight(work) }.begin() {
        if queue_work(work) {
            begun.forget();
            return Ok(());
        }
    }
    // SAFETY: It was not queued, so it is still ours.
    Err(unsafe { P::from_raw(raw) })
}

const ANY_CPU: c_int = bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int;

impl Queue {
    fn as_ptr(&self) -> *mut bindings::workqueue_struct {
        (&raw const *self).cast_mut().cast()
    }

    /// Queues an item, wraps `queue_work()`. Works in all contexts but NMI, and does not sleep.
    ///
    /// Gives the item back if it is queued already, if somebody cancels it now, or if the module
    /// ends.
    pub fn enqueue<P: WorkItemPointer, const ID: u64>(&self, _cx: &impl NotNmi, item: P) -> Result<(), P>
    where
        P::Item: WorkItem<ID, Pointer = P>,
    {
        let queue = self.as_ptr();
        let queue_work = |work| {
            // SAFETY: The queue is there, and the item until its handler has it.
            unsafe { bindings::queue_work_on(ANY_CPU, queue, work) }
        };
        // SAFETY: The items of a `Queue` may sleep.
        unsafe { enqueue::<P, ID>(item, queue_work) }
    }

    /// Queues an item for later, wraps `queue_delayed_work()`. Works in all contexts but NMI, and
    /// does not sleep.
    ///
    /// Gives the item back if it is queued already, if somebody cancels it now, or if the module
    /// ends.
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
            // SAFETY: The queue is there, and the item, a `delayed_work`, until its handler has it.
            unsafe { bindings::queue_delayed_work_on(ANY_CPU, queue, work.cast(), delay) }
        };
        // SAFETY: The items of a `Queue` may sleep.
        unsafe { enqueue::<P, ID>(item, queue_work) }
    }
}

impl BhQueue {
    /// Queues an item, wraps `queue_work()`. Works in all contexts but NMI, and does not sleep.
    ///
    /// Gives the item back if it is queued already, if somebody cancels it now, or if the module
    /// ends.
    pub fn enqueue<P: WorkItemPointer, const ID: u64>(&self, _cx: &impl NotNmi, item: P) -> Result<(), P>
    where
        P::Item: BhWorkItem<ID, Pointer = P>,
    {
        let queue = (&raw const *self).cast_mut().cast();
        let queue_work = |work| {
            // SAFETY: The queue is there, and the item until its handler has it.
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
                // SAFETY: The kernel makes its queues before any module runs, and does not change the
                // variable again.
                let queue = unsafe { bindings::$wq };
                // SAFETY: The kernel does not destroy its own queues.
                let queue: *const workqueue::Queue = unsafe { workqueue::Queue::from_raw(queue) };
                // SAFETY: It is a transparent wrapper, and the queue is of this kind.
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

// Not the kernel crate's `system` and `system_unbound`: the kernel logs the use of these two.
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

/// Initialises a [`Work`], with a lock class of its own.
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

/// Initialises a [`Work`], with a lock class of its own. Wraps `INIT_WORK()`.
#[doc(inline)]
pub use crate::new_work;
/// As the documentation of [`new_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! new_work {
    ($($name:literal)?) => { $crate::__new_work!(Work $($name)?) };
}

/// Initialises a [`BhWork`], with a lock class of its own. Wraps `INIT_WORK()`.
#[doc(inline)]
pub use crate::new_bh_work;
/// As the documentation of [`new_bh_work!`] in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! new_bh_work {
    ($($name:literal)?) => { $crate::__new_work!(BhWork $($name)?) };
}

/// Initialises a [`DelayedWork`], with lock classes of its own. Wraps `INIT_DELAYED_WORK()`.
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

/// What the three macros below share.
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

/// Says which field of a type is its [`Work`]: the same as [`kernel::workqueue::impl_has_work!`].
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

/// Says which field of a type is its [`BhWork`].
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

/// Says which field of a type is its [`DelayedWork`]: the same as
/// [`kernel::workqueue::impl_has_delayed_work!`].
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
