// SPDX-License-Identifier: GPL-2.0

//! Methods and traits of every [`Devm`]: free, `Deref`, conversions.

use super::drop::is;
use super::drop::release;
use super::*;
use crate::contexts::traits::MayAlloc;
use core::{
    fmt,
    mem::needs_drop,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    ffi::c_void, //
};

impl<'bound, T: ?Sized> Devm<'bound, T> {
    /// Drops the value and frees the memory before the device is unbound. Wraps `devm_kfree()`, or
    /// `devres_release()` for a value with drop glue.
    ///
    /// The kernel searches the device's list from its end.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn calibrate(task: &TaskCx, dev: &Device<Bound>) -> Result<u64> {
    ///     let mut samples = Devm::<[u64; 64]>::zeroed(task, dev)?;
    ///     samples[0] = 1;
    ///     let sum = samples.iter().sum();
    ///     samples.free(task);
    ///     Ok(sum)
    /// }
    /// ```
    #[doc(alias("devm_kfree", "devres_release"))]
    #[inline]
    pub fn free<C: MayAlloc>(self, _cx: &C) {
        self.end();
    }

    /// As [`Devm::free`]. The callers are in a context in which the allocators work.
    #[inline]
    pub(super) fn end(self) {
        let (dev, memory) = (raw(self.device), self.memory.as_ptr().cast::<c_void>());
        if const { needs_drop::<T>() } {
            // SAFETY: Invariant of `Devm`: the value is at `VALUE` in an entry of the device, and
            // owned. `is` matches only that entry.
            let _ = unsafe {
                bindings::devres_release(dev, Some(release), Some(is), memory.byte_sub(VALUE))
            };
        } else if size_of_val(&*self) != 0 {
            // SAFETY: Invariant of `Devm`: owned memory of `devm_kmalloc()` of this device.
            unsafe { bindings::devm_kfree(dev, memory) };
        }
    }

    /// The value for all of `'bound`, as a reference: C's pointer.
    ///
    /// It cannot be freed earlier then.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn table<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<&'bound mut [u32; 16]> {
    ///     Ok(Devm::new(task, dev, [0; 16])?.into_mut())
    /// }
    /// ```
    #[inline]
    pub fn into_mut(mut self) -> &'bound mut T {
        // SAFETY: Invariant of `Devm`: the value is valid for `'bound` and owned.
        unsafe { self.memory.as_mut() }
    }

    /// The device that manages the memory.
    #[inline]
    pub fn device(&self) -> &'bound Device<Bound> {
        self.device
    }
}

impl<T: ?Sized> Deref for Devm<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `Devm`: `memory` is valid for reads of an initialised `T`.
        unsafe { self.memory.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Devm<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: Invariant of `Devm`: `memory` is valid for writes of a `T`. `self` is borrowed
        // exclusively.
        unsafe { self.memory.as_mut() }
    }
}

impl<'bound, T: ?Sized> From<Devm<'bound, T>> for Pin<Devm<'bound, T>> {
    #[inline]
    fn from(this: Devm<'bound, T>) -> Self {
        // SAFETY: The value does not move when the `Devm` moves. Its memory is not reused before
        // the value is dropped. `Pin` does not allow moving the value out.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Devm<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + kernel::fmt::Display> kernel::fmt::Display for Devm<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
