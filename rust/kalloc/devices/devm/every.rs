// SPDX-License-Identifier: GPL-2.0

//! What all of them have.

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
    /// Drops the value and frees the memory before the device is unbound, wraps `devm_kfree()`; of
    /// a value with drop glue `devres_release()`.
    ///
    /// The kernel looks for it through the list of the device, from the last on.
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
    #[inline]
    pub fn free<C: MayAlloc>(self, _cx: &C) {
        self.end();
    }

    /// As [`Devm::free`]. The context is one in which the allocators work.
    #[inline]
    pub(super) fn end(self) {
        let (dev, memory) = (raw(self.device), self.memory.as_ptr().cast::<c_void>());
        if const { needs_drop::<T>() } {
            // SAFETY: By the invariant there is the entry that holds the value; it is ours, and so
            // this releases it and no other.
            let _ = unsafe {
                bindings::devres_release(dev, Some(release), Some(is), memory.byte_sub(VALUE))
            };
        } else if size_of_val(&*self) != 0 {
            // SAFETY: By the invariant it is memory of `devm_kmalloc()` of this device, which was
            // ours.
            unsafe { bindings::devm_kfree(dev, memory) };
        }
    }

    /// The value, until the device is unbound: C's pointer.
    ///
    /// It can no longer be freed before that.
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
        // SAFETY: By the invariant it is valid for all of `'bound`, and nobody else has it.
        unsafe { self.memory.as_mut() }
    }

    /// The device that the memory belongs to.
    #[inline]
    pub fn device(&self) -> &'bound Device<Bound> {
        self.device
    }
}

impl<T: ?Sized> Deref for Devm<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { self.memory.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Devm<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant, and it is borrowed exclusively.
        unsafe { self.memory.as_mut() }
    }
}

impl<'bound, T: ?Sized> From<Devm<'bound, T>> for Pin<Devm<'bound, T>> {
    #[inline]
    fn from(this: Devm<'bound, T>) -> Self {
        // SAFETY: The value is in memory that does not move with this and is not used for anything
        // else before the value is dropped; and `Pin` does not let it out.
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
