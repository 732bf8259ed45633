// SPDX-License-Identifier: GPL-2.0

//! Objects that the kernel calls back, and how they end.
//!
//! C headers: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h) and those of the
//! objects.
//!
//! A timer may be running on another CPU when its owner is dropped, and its memory must not go
//! before it has run. Waiting for it may sleep, and a drop is allowed everywhere. So a drop stops
//! the object without waiting and leaves the rest to a workqueue of kalloc: that waits, drops the
//! value and frees the memory. `free`, which takes a token that sleeps, does it at once.
//!
//! What is never dropped, because it is in a static or was leaked, is stopped when its module ends,
//! and cannot be started from then on: no callback runs in memory that is no longer there.

use crate::{
    contexts::{
        grant::Grant,
        traits::MaySleep, //
    },
    entry::in_flight::Here,
    flags::matrix::ForKmalloc,
    memory::boxed::KBox, //
};
use core::{
    ffi::c_void,
    pin::Pin,
    ptr::NonNull, //
};
use kalloc_bindings::*;
use kernel::{
    container_of,
    error::{
        code::EBUSY,
        to_result,
        Result, //
    },
    prelude::{
        pin_data,
        pinned_drop,
        try_pin_init,
        Error,
        PinInit, //
    },
    sync::rcu,
    types::Opaque, //
};

/// What the kernel calls back until it is told to stop.
///
/// # Safety
///
/// After `wait` has returned, the kernel neither runs it nor has a pointer to it, as long as nobody
/// starts it again.
pub(crate) unsafe trait Callback: 'static {
    /// Keeps it from running, as far as that takes no waiting. Legal in every context but an NMI.
    fn stop(&self);

    /// Stops it and waits until it does not run. May be called again, also beside another call, which
    /// then need not wait.
    ///
    /// # Safety
    ///
    /// The caller may sleep, and is not the callback.
    unsafe fn wait(&self);
}

/// # Invariants
///
/// `callback` is initialised, and in the list of its module from [`CallbackBox::new`] to [`end`].
#[pin_data]
#[repr(C)]
struct Object<T> {
    #[pin]
    callback: Entry,
    #[pin]
    called: T,
}

/// The C code's part of an object: one that was initialised.
#[pin_data(PinnedDrop)]
#[repr(transparent)]
struct Entry {
    #[pin]
    callback: Opaque<kalloc_callback>,
}

impl Entry {
    fn new<T: Callback>() -> impl PinInit<Self, Error> {
        let wait = wait::<T> as unsafe extern "C" fn(_);
        try_pin_init!(Self {
            callback <- Opaque::ffi_init(move |place| {
                // SAFETY: It is the place of a `kalloc_callback`. `wait` is for this type, and is in the
                // module that has what the kernel calls: both are instantiated for the caller's `T`.
                unsafe { kalloc_helper_callback_init(place, Some(wait), wait as *const c_void) }
            }),
        }? Error)
    }

    fn as_ptr(&self) -> *mut kalloc_callback {
        self.callback.get()
    }

    /// Whether its module ends.
    fn is_closed(&self) -> bool {
        // SAFETY: It was initialised.
        unsafe { kalloc_helper_callback_is_closed(self.as_ptr()) }
    }
}

#[pinned_drop]
impl PinnedDrop for Entry {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: It was initialised, and is in no list: it never was, or `end` has removed it.
        unsafe { kalloc_helper_callback_exit(self.as_ptr()) }
    }
}

/// The owner of a `T` that the kernel may be calling.
///
/// # Invariants
///
/// It points to an [`Object`] in memory of kmalloc, which nobody else owns. `T` is `Send` and `Sync`.
// That is no bound of `T` here: a value may have an object of its own type in it, and the compiler
// would ask without end.
pub(crate) struct CallbackBox<T: Callback>(NonNull<Object<T>>);

// SAFETY: It is a box of a `T` that is `Send`, by the invariant.
unsafe impl<T: Callback> Send for CallbackBox<T> {}
// SAFETY: Shared it gives `&T`, which is `Sync`, by the invariant.
unsafe impl<T: Callback> Sync for CallbackBox<T> {}

impl<T: Callback> CallbackBox<T> {
    /// # Errors
    ///
    /// `ENOMEM`, what `called` returns, and `EBUSY` if the module ends.
    pub(crate) fn new<G: Grant<Flags: ForKmalloc>>(
        grant: G,
        called: impl PinInit<T, Error>,
    ) -> Result<Self>
    where
        T: Send + Sync,
    {
        let object = KBox::pin_init(
            grant,
            try_pin_init!(Object {
                callback <- Entry::new::<T>(),
                called <- called,
            }? Error),
        )?;
        // SAFETY: It is not moved out of the memory until it is dropped there.
        let object = unsafe { Pin::into_inner_unchecked(object) };
        // INVARIANT: The box was the memory's owner.
        let owned = Self(NonNull::from(object.leak()));
        // SAFETY: It was initialised above, is added once, and stays where it is until `end` removes it.
        let added = unsafe { kalloc_helper_callback_add(owned.entry().as_ptr()) };
        // Otherwise it is dropped like any other.
        added.then_some(owned).ok_or(EBUSY)
    }

    #[inline(always)]
    fn entry(&self) -> &Entry {
        // SAFETY: By the invariant.
        unsafe { &(*self.0.as_ptr()).callback }
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> Pin<&T> {
        // SAFETY: By the invariant.
        let called = unsafe { &(*self.0.as_ptr()).called };
        // SAFETY: It is not moved until it is dropped.
        unsafe { Pin::new_unchecked(called) }
    }

    /// Waits until it does not run, drops it and frees its memory.
    pub(crate) fn free<C: MaySleep>(self, _cx: &C) {
        let object = self.0;
        core::mem::forget(self);
        // SAFETY: By the invariant; the owner is gone, and the caller may sleep. A callback has no
        // token that does.
        unsafe { end_now(object) }
    }
}

impl<T: Callback> Drop for CallbackBox<T> {
    #[inline]
    fn drop(&mut self) {
        self.get().stop();
        // SAFETY: It was added in `new`, and is queued once, here. `end` is for this type, and in the
        // module that runs this.
        unsafe { kalloc_helper_callback_end_later(self.entry().as_ptr(), Some(end::<T>)) }
    }
}

/// # Safety
///
/// `object` is what an [`CallbackBox`] had that is no more. The caller may sleep, and is not the callback.
unsafe fn end_now<T: Callback>(object: NonNull<Object<T>>) {
    // SAFETY: By the contract of this function it is there.
    let this = unsafe { object.as_ref() };
    // SAFETY: The caller may sleep, and is not the callback.
    unsafe { this.called.wait() };
    // SAFETY: It was added in `new`, and is removed once.
    unsafe { kalloc_helper_callback_remove(this.callback.as_ptr()) };
    // SAFETY: By the invariant it is a box that has been leaked, and nobody uses it any more.
    drop(unsafe { KBox::from_raw(object.as_ptr()) });
}

/// # Safety
///
/// Only the C code calls it, where it may sleep and not in the callback, with the first field of an
/// `Object<T>` that has not ended.
unsafe extern "C" fn wait<T: Callback>(object: *mut kalloc_callback) {
    // SAFETY: By the contract of this function.
    let object = unsafe { &*object.cast::<Object<T>>() };
    // SAFETY: By the contract of this function.
    unsafe { object.called.wait() }
}

/// # Safety
///
/// Only the C code calls it, in a work item, with the first field of the `Object<T>` that an
/// [`CallbackBox`] had when it was dropped.
unsafe extern "C" fn end<T: Callback>(object: *mut kalloc_callback) {
    // SAFETY: By the contract of this function it is not null.
    let object = unsafe { NonNull::new_unchecked(object.cast::<Object<T>>()) };
    // SAFETY: By the contract of this function. A work item may sleep.
    unsafe { end_now(object) }
}

/// A kind of object of C's that is armed, and then calls a function with itself.
///
/// # Safety
///
/// After [`ObjectKind::wait`] has returned, the kernel neither runs the object nor has a pointer to it, as
/// long as nobody arms it again.
pub(crate) unsafe trait ObjectKind: Sized + 'static {
    /// C's object.
    type Raw;

    /// As [`Callback::stop`].
    ///
    /// # Safety
    ///
    /// `raw` was set up.
    unsafe fn stop(raw: *mut Self::Raw);

    /// As [`Callback::wait`].
    ///
    /// # Safety
    ///
    /// `raw` was set up. The caller may sleep, and is not the callback.
    unsafe fn wait(raw: *mut Self::Raw);
}

/// An object of kind `K` with a value: what timers, hrtimers, `irq_work` and NMI handlers share.
///
/// # Invariants
///
/// `raw` was set up.
#[pin_data]
#[repr(C)]
pub(crate) struct KernelObject<K: ObjectKind, T> {
    #[pin]
    raw: Opaque<K::Raw>,
    #[pin]
    data: T,
}

// SAFETY: The kernel's objects are for every thread, and the value may be sent.
unsafe impl<K: ObjectKind, T: Send> Send for KernelObject<K, T> {}
// SAFETY: The kernel's objects are for every thread, and the value may be shared.
unsafe impl<K: ObjectKind, T: Sync> Sync for KernelObject<K, T> {}

// SAFETY: By the contract of `ObjectKind`.
unsafe impl<K: ObjectKind, T: 'static> Callback for KernelObject<K, T> {
    fn stop(&self) {
        // SAFETY: By the invariant.
        unsafe { K::stop(self.raw.get()) }
    }

    unsafe fn wait(&self) {
        // SAFETY: By the invariant, and by the contract of this function.
        unsafe { K::wait(self.raw.get()) }
    }
}

impl<K: ObjectKind, T: 'static> KernelObject<K, T> {
    /// An object that `set_up` sets up, after the value.
    ///
    /// # Safety
    ///
    /// `set_up` initialises the object, or fails. What the kernel then calls is for the same `T`.
    pub(crate) unsafe fn new<E>(
        data: impl PinInit<T, E>,
        set_up: impl FnOnce(*mut K::Raw) -> Result,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        // INVARIANT: By the contract of this function.
        try_pin_init!(Self {
            data <- data,
            raw <- Opaque::try_ffi_init(set_up),
        }? Error)
    }

    /// What has the object that the kernel calls, unless its module ends.
    ///
    /// # Safety
    ///
    /// The kernel calls with `raw`, which is in an [`CallbackBox`] `KernelObject<K, T>`.
    #[inline]
    pub(crate) unsafe fn enter<'a>(raw: *mut K::Raw) -> Option<&'a Self> {
        let this = raw.cast::<Self>();
        // SAFETY: By the contract of this function: an `CallbackBox` lives until it has been waited for.
        let object = unsafe { &*container_of!(this, Object<Self>, called) };
        (!object.callback.is_closed()).then_some(&object.called)
    }

    pub(crate) fn raw(&self) -> *mut K::Raw {
        self.raw.get()
    }

    pub(crate) fn data(&self) -> &T {
        &self.data
    }
}

impl<K: ObjectKind, T: 'static> CallbackBox<KernelObject<K, T>> {
    /// Arms the object by `arm`, unless its module ends: `None`. Legal in every context.
    #[inline]
    pub(crate) fn arm<R>(&self, arm: impl FnOnce(*mut K::Raw) -> R) -> Option<R> {
        // The end of the module waits for it after it has closed the object, and stops it then.
        let _armed_before_it_ends = rcu::read_lock();
        (!self.entry().is_closed()).then(|| arm(self.get().raw()))
    }
}

/// The workqueue that ends objects whose owner was dropped.
pub(crate) struct CallbackWq(());

impl CallbackWq {
    /// Starts it, when kalloc is loaded.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn create() -> Result<Self> {
        // SAFETY: It is called once, in process context.
        to_result(unsafe { kalloc_helper_callbacks_create() })?;
        Ok(Self(()))
    }
}

impl Drop for CallbackWq {
    fn drop(&mut self) {
        // SAFETY: It is dropped in process context, when kalloc is unloaded, which nothing uses then.
        unsafe { kalloc_helper_callbacks_destroy() }
    }
}

/// Waits when it is dropped for all that the module has dropped before, and stops the rest: for the
/// end of a module, before its pools go. (The end of any other module does it too, when all else of
/// it has gone.)
#[doc(hidden)]
#[derive(Debug)]
pub struct Flush(Here);

// SAFETY: It is an address.
unsafe impl Send for Flush {}
// SAFETY: As above.
unsafe impl Sync for Flush {}

impl Flush {
    /// # Safety
    ///
    /// The result is dropped in process context, when all else of the module has gone.
    pub unsafe fn new(module: Here) -> Self {
        Self(module)
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        // SAFETY: It sleeps, which may be done here by the contract of `new`.
        unsafe { kalloc_helper_callbacks_end(self.0.as_ptr()) }
    }
}
