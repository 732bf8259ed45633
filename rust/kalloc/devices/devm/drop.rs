// SPDX-License-Identifier: GPL-2.0

//! [`Devm`] of values with drop glue: `devres_alloc()` with a release function.

use super::*;
use crate::{
    contexts::grant::Grant,
    flags::{
        allocators::ForDevm,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
    },
    series, //
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

/// The release function of every entry: drops its value.
///
/// Not generic and never inlined: devres finds an entry by the address of its release function.
#[inline(never)]
pub(super) extern "C" fn release(_dev: *mut bindings::device, entry: *mut c_void) {
    // SAFETY: Only entries of `Devm` have this release function. They begin with a `Glue`.
    let drop = unsafe { (*entry.cast::<Glue>()).drop };
    // SAFETY: The `Glue` is that of the value at `VALUE`. Devres releases the entry once.
    unsafe { drop(entry.byte_add(VALUE)) }
}

/// The match function of `devres_release()`: compares entries by address.
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
/// As for [`ptr::drop_in_place`].
unsafe fn drop_value<T>(value: *mut c_void) {
    // SAFETY: `# Safety`: `value` meets the requirements of `drop_in_place` for a `T`.
    unsafe { ptr::drop_in_place(value.cast::<T>()) }
}

/// A devres entry for a `T` that was not yet added to a device. Dropping it frees the entry.
///
/// # Invariants
///
/// The pointer is to owned memory of `__devres_alloc_node()` with [`release`], of [`VALUE`] bytes
/// and the size of a `T`. It was not added to a device.
struct Entry<T>(NonNull<c_void>, PhantomData<T>);

impl<T> Entry<T> {
    /// Wraps `devres_alloc_node()`.
    fn new<G: Grant>(_grant: G, dev: &Device<Bound>) -> Result<Self, AllocFailed<G::Flags>> {
        if ends_before_data(dev) {
            return Err(G::Flags::failed());
        }
        // SAFETY: `dev` is a valid device.
        let node = unsafe { kalloc_helper_dev_to_node(raw(dev)) };
        // SAFETY: The grant proves that the flags are legal in this context, and kmalloc accepts
        // them. `fits_entry` asserted the size. The name lives as long as the code that drops the
        // value, in the module of the device's driver.
        let entry = unsafe {
            bindings::__devres_alloc_node(
                Some(release),
                VALUE + size_of::<T>(),
                G::Flags::BITS,
                node,
                c"kalloc::Devm".as_char_ptr(),
            )
        };
        // INVARIANT: It was allocated above.
        match NonNull::new(entry) {
            Some(entry) => Ok(Self(entry, PhantomData)),
            None => Err(G::Flags::failed()),
        }
    }

    /// The address of the value.
    fn value(&self) -> NonNull<T> {
        // SAFETY: Invariant of `Entry`: the offset `VALUE` is within the memory.
        unsafe { self.0.byte_add(VALUE) }.cast()
    }

    /// Adds the entry to the device, wraps `devres_add()`.
    ///
    /// # Safety
    ///
    /// The value is initialised. `T` has drop glue.
    unsafe fn add(self, dev: &Device<Bound>) -> Devm<'_, T> {
        let memory = self.value();
        let entry = core::mem::ManuallyDrop::new(self).0;
        // SAFETY: Invariant of `Entry`: the memory is valid for writes of a `Glue`, which has no
        // drop glue.
        unsafe {
            entry.cast().write(Glue {
                drop: drop_value::<T>,
            })
        };
        // SAFETY: Invariant of `Entry`: it was not added to a device. `dev` is bound.
        unsafe { bindings::devres_add(raw(dev), entry.as_ptr()) };
        // INVARIANT: It was added above. `# Safety`: the value is initialised. It is aligned, since
        // `VALUE` is a multiple of `MAX_ALIGN`.
        Devm {
            memory,
            device: dev,
            _value: PhantomData,
        }
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        // SAFETY: Invariant of `Entry`: an owned entry that was not added to a device.
        unsafe { bindings::devres_free(self.0.as_ptr()) };
    }
}

impl<'bound, T: Send + 'static> Devm<'bound, T> {
    /// Moves `value` into new memory and drops it when the device is unbound, wraps
    /// `devres_alloc_node()` and `devres_add()`.
    ///
    /// The value is `'static`, since the kernel could release a `Devm` that it borrowed from before
    /// it. It is dropped in process context, on any thread, or by [`Devm::free`]. The device is
    /// that of probe or of another bus callback. Other bound devices are not accepted: a device's
    /// driver may stay bound after the module with the drop code is unloaded.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the allocation fails. The limits of [`Devm::new`] apply,
    /// except that a type without drop glue does not compile.
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
    #[doc(alias("devres_alloc", "devres_add"))]
    #[inline(never)]
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
                // SAFETY: The entry has space for a `T`.
                unsafe { entry.value().write(value) };
                // SAFETY: The value was initialised above, and `T` has drop glue.
                Ok(unsafe { entry.add(dev) })
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// Initialises a pinned `T` in new memory and drops it when the device is unbound: see
    /// [`Devm::new_with_drop`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails, and the error of `init`. The memory is freed then.
    #[doc(alias("devres_alloc", "devres_add"))]
    #[inline(never)]
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
        // SAFETY: The entry has space for a `T`. If `init` fails, the entry is freed and not read.
        // The value does not move.
        unsafe { series::raw_try_init(entry.value().as_ptr(), init)? };
        // SAFETY: `init` succeeded, and `T` has drop glue.
        Ok(unsafe { entry.add(dev) }.into())
    }
}
