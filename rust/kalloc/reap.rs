// SPDX-License-Identifier: GPL-2.0

//! Objects that the kernel calls back, and how they end.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
//!
//! A timer may be running on another CPU when its owner is dropped, and its memory must not go
//! before it has run. Waiting for it may sleep, and a drop is allowed everywhere. So a drop stops
//! the object without waiting and leaves the rest to a workqueue of kalloc: that waits, drops the
//! value and frees the memory. `free`, which takes a token that sleeps, does it at once.
//!
//! What is never dropped, because it is in a static or was leaked, is stopped when its module ends:
//! no callback runs in memory that is no longer there.

use crate::{
    boxed::KBox,
    context::Sleep,
    gfp::{ForKmalloc, Grant},
    in_flight::Here,
};
use core::{pin::Pin, ptr::NonNull};
use kalloc_bindings::*;
use kernel::{
    container_of,
    error::{to_result, Result},
    prelude::{pin_data, try_pin_init, Error, PinInit},
    types::Opaque,
};

/// What the kernel calls back until it is told to stop.
///
/// # Safety
///
/// After `wait` has returned, the kernel neither runs it nor has a pointer to it, as long as nobody
/// starts it again.
pub(crate) unsafe trait Called: Send + Sync + 'static {
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

#[pin_data]
#[repr(C)]
struct Object<T> {
    #[pin]
    reap: Opaque<kalloc_reap>,
    #[pin]
    called: T,
}

/// Whether the object must not run code of its module any more, which ends. To be asked by what the
/// kernel calls.
///
/// # Safety
///
/// `called` is in an [`Owned`] that has not ended.
#[inline]
pub(crate) unsafe fn is_closed<T: Called>(called: *const T) -> bool {
    // SAFETY: By the contract of this function.
    let object = unsafe { container_of!(called, Object<T>, called) };
    // SAFETY: By the contract of this function it is there; the C code writes a `bool`.
    unsafe { (&raw const (*Opaque::cast_into(&raw const (*object).reap)).closed).read_volatile() }
}

/// The owner of a `T` that the kernel may be calling.
///
/// # Invariants
///
/// It points to an [`Object`] in memory of kmalloc, which nobody else owns.
pub(crate) struct Owned<T: Called>(NonNull<Object<T>>);

// SAFETY: It is a box of a `T` that is `Send`.
unsafe impl<T: Called> Send for Owned<T> {}
// SAFETY: Shared it gives `&T`, which is `Sync`.
unsafe impl<T: Called> Sync for Owned<T> {}

impl<T: Called> Owned<T> {
    pub(crate) fn new<G: Grant<Flags: ForKmalloc>>(
        grant: G,
        called: impl PinInit<T, Error>,
    ) -> Result<Self> {
        let object = KBox::pin_init(
            grant,
            try_pin_init!(Object {
                reap <- Opaque::ffi_init(|place| {
                    // SAFETY: It is the place of a `kalloc_reap`, and both functions are for this type.
                    unsafe { kalloc_helper_reap_init(place, Some(reap::<T>), Some(wait::<T>)) }
                }),
                called <- called,
            }? Error),
        )?;
        // SAFETY: It is not moved out of the memory until it is dropped there.
        let object = unsafe { Pin::into_inner_unchecked(object) };
        // SAFETY: It was initialised above, and stays where it is until `end` takes it back.
        unsafe { kalloc_helper_reap_add(object.reap.get()) };
        // INVARIANT: The box was the memory's owner.
        Ok(Self(NonNull::from(object.leak())))
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> Pin<&T> {
        // SAFETY: By the invariant.
        let called = unsafe { &(*self.0.as_ptr()).called };
        // SAFETY: It is not moved until it is dropped.
        unsafe { Pin::new_unchecked(called) }
    }

    /// Waits until it does not run, drops it and frees its memory.
    pub(crate) fn free<C: Sleep>(self, _cx: &C) {
        let object = self.0;
        core::mem::forget(self);
        // SAFETY: By the invariant; the owner is gone, and the caller may sleep. A callback has no
        // token that does.
        unsafe { end(object) }
    }
}

impl<T: Called> Drop for Owned<T> {
    #[inline]
    fn drop(&mut self) {
        self.get().stop();
        // SAFETY: It was initialised in `new`, and is queued once, here.
        unsafe { kalloc_helper_reap((*self.0.as_ptr()).reap.get()) }
    }
}

/// # Safety
///
/// `object` is what an [`Owned`] had that is no more. The caller may sleep, and is not the callback.
unsafe fn end<T: Called>(object: NonNull<Object<T>>) {
    // SAFETY: By the contract of this function; it was added in `new`, and is ended once.
    unsafe { kalloc_helper_reap_end((*object.as_ptr()).reap.get()) };
    // SAFETY: By the invariant it is a box that has been leaked, and nobody uses it any more.
    drop(unsafe { KBox::from_raw(object.as_ptr()) });
}

/// # Safety
///
/// Only the C code calls it, where it may sleep and not in the callback, with the first field of an
/// `Object<T>` that has not ended.
unsafe extern "C" fn wait<T: Called>(object: *mut kalloc_reap) {
    // SAFETY: By the contract of this function.
    let object = unsafe { &*object.cast::<Object<T>>() };
    // SAFETY: By the contract of this function.
    unsafe { object.called.wait() }
}

/// # Safety
///
/// Only the C code calls it, in a work item, with the first field of the `Object<T>` that an
/// [`Owned`] had when it was dropped.
unsafe extern "C" fn reap<T: Called>(object: *mut kalloc_reap) {
    // SAFETY: By the contract of this function it is not null.
    let object = unsafe { NonNull::new_unchecked(object.cast::<Object<T>>()) };
    // SAFETY: By the contract of this function. A work item may sleep.
    unsafe { end(object) }
}

/// The workqueue that ends objects whose owner was dropped.
pub(crate) struct Reaper(());

impl Reaper {
    /// Starts it, when kalloc is loaded.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn create() -> Result<Self> {
        // SAFETY: It is called once, in process context.
        to_result(unsafe { kalloc_helper_reaper_create() })?;
        Ok(Self(()))
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        // SAFETY: It is dropped in process context, when kalloc is unloaded, which nothing uses then.
        unsafe { kalloc_helper_reaper_destroy() }
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
        unsafe { kalloc_helper_reaper_end(self.0.as_ptr()) }
    }
}
