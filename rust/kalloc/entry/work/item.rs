// SPDX-License-Identifier: GPL-2.0

//! [`Work`], [`DelayedWork`] and [`BhWork`], their handlers, and the types that have one.

use super::pointer::WorkItemPointer;
use crate::{
    contexts::{
        tokens::{
            BhCx,
            TaskCx, //
        },
        traits::{
            MayReclaim,
            MaySleep, //
        },
    },
    entry::in_flight::{
        Begun,
        InFlight, //
    },
    ground::field::Field, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem,
    pin::Pin, //
};
use kernel::{
    bindings,
    ffi::c_void,
    prelude::{
        pin_data,
        pin_init,
        PinInit, //
    },
    str::{
        CStr,
        CStrExt as _, //
    },
    sync::LockClassKey,
    types::Opaque, //
};

/// The kind of [`Work`] and [`DelayedWork`]: the handler may sleep.
#[derive(Debug)]
pub enum InThread {}

/// The kind of [`BhWork`]: the handler runs in a softirq.
#[derive(Debug)]
pub enum InSoftirq {}

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

/// A type with a work item in a field. Implemented by
/// [`impl_has_work!`](crate::work::impl_has_work!),
/// [`impl_has_delayed_work!`](crate::work::impl_has_delayed_work!) and
/// [`impl_has_bh_work!`](crate::work::impl_has_bh_work!).
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
pub(super) unsafe fn work_of<T: HasWork<ID>, const ID: u64>(
    this: *mut T,
) -> *mut bindings::work_struct {
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
    message = "`{Self}` is not a work item that may sleep",
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
    message = "`{Self}` is not a work item for softirqs",
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
            // Invariant: `HasWork` may differ for a subtype.
            _item: PhantomData<fn(T) -> T>,
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
pub(super) unsafe fn in_flight<'a>(work: *mut bindings::work_struct) -> &'a InFlight {
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
    /// See [`new_work!`](crate::work::new_work!).
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
    /// See [`new_bh_work!`](crate::work::new_bh_work!).
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
    /// See [`new_delayed_work!`](crate::work::new_delayed_work!).
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
