// SPDX-License-Identifier: GPL-2.0

//! Objects that the kernel calls back: how they are owned, and how they end.
//!
//! C headers: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h), and the headers of
//! the objects.
//!
//! A timer may run on another CPU when its owner is dropped, and its memory must not be freed
//! before its callback has returned. Waiting may sleep, but a drop may run in any context. So a
//! drop stops the object without waiting and defers the rest to a workqueue of kalloc, which waits,
//! drops the value and frees the memory. `free`, which takes a token that may sleep, does the same
//! at once.
//!
//! An object that is never dropped, because it is in a static or was leaked, is stopped when its
//! module ends, and cannot be started after that. So no callback runs in freed module text.

use crate::{
    contexts::{
        grant::Grant,
        traits::MaySleep, //
    },
    entry::in_flight::Here,
    flags::allocators::ForKmalloc,
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

/// An object that the kernel calls back until it is stopped.
///
/// # Safety
///
/// After all calls of `wait` have returned, the kernel neither runs the object nor has a pointer to
/// it, unless the object is started again. (A call beside another one need not wait: see
/// `kalloc_helper_callback_remove()`.)
pub(crate) unsafe trait Callback: 'static {
    /// Stops the object as far as possible without waiting.
    ///
    /// # Context
    ///
    /// Any context except an NMI handler.
    fn stop(&self);

    /// Stops the object and waits until it does not run. It may be called again, also concurrently
    /// with another call. The other call then need not wait.
    ///
    /// # Safety
    ///
    /// The caller may sleep, and is not the callback.
    unsafe fn wait(&self);
}

/// # Invariants
///
/// `callback` is initialised, and is in the list of its module from [`CallbackBox::new`] to
/// [`end`].
#[pin_data]
#[repr(C)]
struct Object<T> {
    #[pin]
    callback: Entry,
    #[pin]
    called: T,
}

/// The C code's part of an object, initialised.
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
                // SAFETY: `place` is memory for a `kalloc_callback`. `wait` is for this type, and
                // is in the same module as the function that the kernel calls: both are
                // instantiated for the caller's `T`.
                unsafe { kalloc_helper_callback_init(place, Some(wait), wait as *const c_void) }
            }),
        }? Error)
    }

    fn as_ptr(&self) -> *mut kalloc_callback {
        self.callback.get()
    }

    /// Whether the module of the object is ending.
    fn is_closed(&self) -> bool {
        // SAFETY: `new` initialised the entry.
        unsafe { kalloc_helper_callback_is_closed(self.as_ptr()) }
    }
}

#[pinned_drop]
impl PinnedDrop for Entry {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `new` initialised the entry. It is in no list: it was never added, or `end` has
        // removed it.
        unsafe { kalloc_helper_callback_exit(self.as_ptr()) }
    }
}

/// The owner of a `T` that the kernel may call back.
///
/// # Invariants
///
/// The pointer is to an [`Object`] in memory of kmalloc, which only this value owns. `T` is `Send`
/// and `Sync`.
// These are not bounds of `T` here: a value may contain an object of its own type, and the compiler
// would recurse without end.
pub(crate) struct CallbackBox<T: Callback>(NonNull<Object<T>>);

// SAFETY: Invariant of `CallbackBox`: it owns a `T` that is `Send`.
unsafe impl<T: Callback> Send for CallbackBox<T> {}
// SAFETY: Invariant of `CallbackBox`: `T` is `Sync`. A shared box gives `&T`.
unsafe impl<T: Callback> Sync for CallbackBox<T> {}

impl<T: Callback> CallbackBox<T> {
    /// # Errors
    ///
    /// `ENOMEM` if memory is short, the error of `called`, and `EBUSY` if the module is ending.
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
        // SAFETY: The value is not moved until it is dropped in its memory.
        let object = unsafe { Pin::into_inner_unchecked(object) };
        // INVARIANT: The box owned the memory.
        let owned = Self(NonNull::from(object.leak()));
        // SAFETY: The entry was initialised above, is added once, and is not moved until `end`
        // removes it.
        let added = unsafe { kalloc_helper_callback_add(owned.entry().as_ptr()) };
        // If it was not added, `owned` is dropped as any other object is.
        added.then_some(owned).ok_or(EBUSY)
    }

    #[inline(always)]
    fn entry(&self) -> &Entry {
        // SAFETY: Invariant of `CallbackBox`: the pointer is to an object that it owns.
        unsafe { &(*self.0.as_ptr()).callback }
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> Pin<&T> {
        // SAFETY: Invariant of `CallbackBox`: the pointer is to an object that it owns.
        let called = unsafe { &(*self.0.as_ptr()).called };
        // SAFETY: The value is not moved until it is dropped.
        unsafe { Pin::new_unchecked(called) }
    }

    /// Waits until the object does not run, drops it and frees its memory.
    pub(crate) fn free<C: MaySleep>(self, _cx: &C) {
        let object = self.0;
        core::mem::forget(self);
        // SAFETY: Invariant of `CallbackBox`: it owned `object`, and it was forgotten. The caller
        // has a token that may sleep, so it is not the callback.
        unsafe { end_now(object) }
    }
}

impl<T: Callback> Drop for CallbackBox<T> {
    #[inline]
    fn drop(&mut self) {
        self.get().stop();
        // SAFETY: The entry was added in `new`, and is queued once, here. `end` is for this type,
        // and is in the module that runs this code.
        unsafe { kalloc_helper_callback_end_later(self.entry().as_ptr(), Some(end::<T>)) }
    }
}

/// # Safety
///
/// A [`CallbackBox`] owned `object` and no longer does. The caller may sleep, and is not the
/// callback.
unsafe fn end_now<T: Callback>(object: NonNull<Object<T>>) {
    // SAFETY: `# Safety`: `object` is still allocated.
    let this = unsafe { object.as_ref() };
    // SAFETY: `# Safety`: the caller may sleep, and is not the callback.
    unsafe { this.called.wait() };
    // SAFETY: The entry was added in `new`, and is removed once. The call waits for the other call
    // of `wait`, by the end of the module.
    unsafe { kalloc_helper_callback_remove(this.callback.as_ptr()) };
    // SAFETY: `# Safety`: `object` is the leaked box of a `CallbackBox`, and is not used any more:
    // all calls of `wait` have returned, and the entry is in no list.
    drop(unsafe { KBox::from_raw(object.as_ptr()) });
}

/// # Safety
///
/// Only the C code calls it, where it may sleep and outside the callback, with the first field of
/// an `Object<T>` that has not ended.
unsafe extern "C" fn wait<T: Callback>(object: *mut kalloc_callback) {
    // SAFETY: `# Safety`: `object` is the first field of an `Object<T>` that has not ended.
    let object = unsafe { &*object.cast::<Object<T>>() };
    // SAFETY: `# Safety`: the C code calls this where it may sleep, outside the callback.
    unsafe { object.called.wait() }
}

/// # Safety
///
/// Only the C code calls it, in a work item, with the first field of the `Object<T>` that a
/// [`CallbackBox`] owned when it was dropped.
unsafe extern "C" fn end<T: Callback>(object: *mut kalloc_callback) {
    // SAFETY: `# Safety`: `object` is the first field of an object, so it is not null.
    let object = unsafe { NonNull::new_unchecked(object.cast::<Object<T>>()) };
    // SAFETY: `# Safety`: a `CallbackBox` owned `object`, and this is a work item, which may sleep.
    unsafe { end_now(object) }
}

/// A kind of C object that is armed and then calls a function, with itself as the argument.
///
/// # Safety
///
/// After all calls of [`ObjectKind::wait`] have returned, the kernel neither runs the object nor has
/// a pointer to it, unless the object is armed again.
pub(crate) unsafe trait ObjectKind: Sized + 'static {
    /// The C object.
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

/// A C object of kind `K` with a value: the common part of timers, hrtimers, `irq_work` and NMI
/// handlers.
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

// SAFETY: Any thread may use the C object, and `T` is `Send`.
unsafe impl<K: ObjectKind, T: Send> Send for KernelObject<K, T> {}
// SAFETY: Any thread may use the C object, and `T` is `Sync`.
unsafe impl<K: ObjectKind, T: Sync> Sync for KernelObject<K, T> {}

// SAFETY: `# Safety` of `ObjectKind`: after all calls of `K::wait` the kernel neither runs the
// object nor has a pointer to it.
unsafe impl<K: ObjectKind, T: 'static> Callback for KernelObject<K, T> {
    fn stop(&self) {
        // SAFETY: Invariant of `KernelObject`: `raw` was set up.
        unsafe { K::stop(self.raw.get()) }
    }

    unsafe fn wait(&self) {
        // SAFETY: Invariant of `KernelObject`: `raw` was set up. `# Safety` of `wait`: the caller
        // may sleep, and is not the callback.
        unsafe { K::wait(self.raw.get()) }
    }
}

impl<K: ObjectKind, T: 'static> KernelObject<K, T> {
    /// An object. `set_up` initialises the C object, after the value.
    ///
    /// # Safety
    ///
    /// `set_up` initialises the object, or fails. The function that the kernel then calls is for
    /// the same `T`.
    pub(crate) unsafe fn new<E>(
        data: impl PinInit<T, E>,
        set_up: impl FnOnce(*mut K::Raw) -> Result,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        // INVARIANT: `# Safety`: `set_up` initialises `raw`, or fails.
        try_pin_init!(Self {
            data <- data,
            raw <- Opaque::try_ffi_init(set_up),
        }? Error)
    }

    /// The object that contains `raw`, or `None` if its module is ending.
    ///
    /// # Safety
    ///
    /// The kernel calls a function with `raw`, which is in the `KernelObject<K, T>` of a
    /// [`CallbackBox`].
    #[inline]
    pub(crate) unsafe fn enter<'a>(raw: *mut K::Raw) -> Option<&'a Self> {
        let this = raw.cast::<Self>();
        // SAFETY: `# Safety`: `raw` is in the object of a `CallbackBox`, which lives until it has
        // been waited for.
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
    /// Arms the object by `arm`. Returns `None` if its module is ending.
    ///
    /// # Context
    ///
    /// Any context.
    #[inline]
    pub(crate) fn arm<R>(&self, arm: impl FnOnce(*mut K::Raw) -> R) -> Option<R> {
        // The end of the module closes the object, waits for this read side, and then stops the
        // object.
        let _armed_before_it_ends = rcu::read_lock();
        (!self.entry().is_closed()).then(|| arm(self.get().raw()))
    }
}

/// The workqueue that ends objects whose owners were dropped.
pub(crate) struct CallbackWq(());

impl CallbackWq {
    /// Creates the workqueue, when kalloc is loaded.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if memory is short.
    pub(crate) fn create() -> Result<Self> {
        // SAFETY: `create` is called once, in process context.
        to_result(unsafe { kalloc_helper_callbacks_create() })?;
        Ok(Self(()))
    }
}

impl Drop for CallbackWq {
    fn drop(&mut self) {
        // SAFETY: The value is dropped in process context, when kalloc is unloaded and no module
        // uses it.
        unsafe { kalloc_helper_callbacks_destroy() }
    }
}

/// For the end of a module, before its pools are destroyed. Its drop waits for all objects that the
/// module has dropped, and stops the others. (The end of a module without kalloc's `module!` does
/// the same, after everything else of that module.)
#[doc(hidden)]
#[derive(Debug)]
pub(crate) struct Flush(Here);

// SAFETY: The value is only an address.
unsafe impl Send for Flush {}
// SAFETY: As for `Send`.
unsafe impl Sync for Flush {}

impl Flush {
    /// # Safety
    ///
    /// The result is dropped in process context, after everything else of the module.
    pub(crate) unsafe fn new(module: Here) -> Self {
        Self(module)
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        // SAFETY: `# Safety` of `new`: this is process context, which may sleep.
        unsafe { kalloc_helper_callbacks_end(self.0.as_ptr()) }
    }
}
