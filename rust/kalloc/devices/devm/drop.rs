// SPDX-License-Identifier: GPL-2.0

//! Values that have to be dropped.

use super::*;
use crate::{
    contexts::grant::Grant,
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::ForDevm, //
    },
};
use core::{
    marker::PhantomData,
    pin::Pin,
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    device::{
        Bound,
        Core,
        Device, //
    },
    error::Error,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::PinInit,
    str::CStrExt as _, //
};

/// Drops the value of an entry.
///
/// It is in this crate's module for every type: devres finds an entry by its release function.
#[inline(never)]
pub(super) extern "C" fn release(_dev: *mut bindings::device, entry: *mut c_void) {
    // SAFETY: Only entries of `Devm` have this release function: with a `Glue` at the beginning.
    let drop = unsafe { (*entry.cast::<Glue>()).drop };
    // SAFETY: It is that of the value at `VALUE`, which devres releases once.
    unsafe { drop(entry.byte_add(VALUE)) }
}

/// Whether an entry is the one that is looked for.
#[inline(never)]
pub(super) extern "C" fn is(
    _dev: *mut bindings::device,
    entry: *mut c_void,
    wanted: *mut c_void,
) -> c_int {
    (entry == wanted).into()
}

/// Drops a `T`.
///
/// # Safety
///
/// As [`ptr::drop_in_place`].
unsafe fn drop_value<T>(value: *mut c_void) {
    // SAFETY: By the contract of this function.
    unsafe { ptr::drop_in_place(value.cast::<T>()) }
}

/// An entry that the device does not have yet, for a `T`. Freed when this is dropped.
///
/// # Invariants
///
/// The pointer is to memory of `__devres_alloc_node()` with [`release`], of [`VALUE`] bytes and the
/// size of a `T`, that was not added to a device, and is ours.
struct Entry<T>(NonNull<c_void>, PhantomData<T>);

impl<T> Entry<T> {
    /// Wraps `devres_alloc_node()`.
    fn new<G: Grant>(_grant: G, dev: &Device<Bound>) -> Result<Self, AllocFailed<G::Flags>> {
        // SAFETY: `dev` is a valid device.
        let node = unsafe { kalloc_helper_dev_to_node(raw(dev)) };
        // SAFETY: The flags are legal in this context, which is what the grant says, and are those
        // that kmalloc accepts. The name is static.
        let entry = unsafe {
            bindings::__devres_alloc_node(
                Some(release),
                VALUE + size_of::<T>(),
                G::Flags::BITS,
                node,
                c"kalloc::Devm".as_char_ptr(),
            )
        };
        // INVARIANT: It was allocated just now.
        match NonNull::new(entry) {
            Some(entry) => Ok(Self(entry, PhantomData)),
            None => Err(G::Flags::failed()),
        }
    }

    /// Where its value is.
    fn value(&self) -> NonNull<T> {
        // SAFETY: By the invariant it is within the memory.
        unsafe { self.0.byte_add(VALUE) }.cast()
    }

    /// Gives the entry to the device, wraps `devres_add()`.
    ///
    /// # Safety
    ///
    /// The value is initialised. A `T` has drop glue.
    unsafe fn add(self, dev: &Device<Bound>) -> Devm<'_, T> {
        let memory = self.value();
        let entry = core::mem::ManuallyDrop::new(self).0;
        // SAFETY: By the invariant of `Entry` it is valid for writes of a `Glue`, which nothing
        // else is.
        unsafe {
            entry.cast().write(Glue {
                drop: drop_value::<T>,
            })
        };
        // SAFETY: By the invariant of `Entry` it is an entry that no device has, and the device is
        // bound.
        unsafe { bindings::devres_add(raw(dev), entry.as_ptr()) };
        // INVARIANT: It was added just now, and the value is initialised by the contract of this
        // function. It is aligned because `VALUE` is a multiple of `MAX_ALIGN`.
        Devm {
            memory,
            device: dev,
            _value: PhantomData,
        }
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        // SAFETY: By the invariant it is an entry that no device has, and is ours.
        unsafe { bindings::devres_free(self.0.as_ptr()) };
    }
}

impl<'bound, T: Send + 'static> Devm<'bound, T> {
    /// Moves `value` into new memory and drops it when the device is unbound, wraps
    /// `devres_alloc_node()` and `devres_add()`.
    ///
    /// The value is `'static`, since what it borrowed could be released before it. It is dropped in
    /// process context, on any thread, or by [`Devm::free`]. The device is that of probe or another
    /// callback of the bus: any that is bound does not do, since its driver may stay when the code
    /// that drops the value is gone.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory. What does not compile is as in
    /// [`Devm::new`], but that here it is a type without drop glue.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Core, Device};
    ///
    /// struct Log {
    ///     lines: KVec<u32>,
    /// }
    ///
    /// fn log<'bound>(task: &TaskCx, dev: &'bound Device<Core<'_>>) -> Result<Devm<'bound, Log>> {
    ///     Ok(Devm::new_with_drop(task, dev, Log { lines: KVec::new() })?)
    /// }
    /// ```
    #[inline]
    pub fn new_with_drop<G>(
        grant: G,
        dev: &'bound Device<Core<'_>>,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_entry::<T, G>() };
        match Entry::new(grant, dev) {
            Ok(entry) => {
                // SAFETY: The entry has room for a `T`.
                unsafe { entry.value().write(value) };
                // SAFETY: It was just initialised, and a `T` has drop glue.
                Ok(unsafe { entry.add(dev) })
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// Initialises a `T` in new memory that it does not leave, and drops it when the device is
    /// unbound: see [`Devm::new_with_drop`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns; the memory is freed then.
    #[inline]
    pub fn pin_init_with_drop<G, E>(
        grant: G,
        dev: &'bound Device<Core<'_>>,
        init: impl PinInit<T, E>,
    ) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForDevm>,
        Error: From<E>,
    {
        const { fits_entry::<T, G>() };
        let entry = Entry::new(grant, dev)?;
        // SAFETY: The entry has room for a `T`, is freed without a look at it when `init` fails, and
        // the value stays there.
        unsafe { pin_init::raw_try_init(entry.value().as_ptr(), init)? };
        // SAFETY: `init` succeeded, and a `T` has drop glue.
        Ok(unsafe { entry.add(dev) }.into())
    }
}
