// SPDX-License-Identifier: GPL-2.0

//! One value.

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
    mem::MaybeUninit,
    pin::Pin, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    error::Error,
    prelude::{
        Init,
        PinInit,
        Zeroable, //
    },
};

impl<'bound, T> Devm<'bound, T> {
    /// Moves `value` into new memory, wraps `devm_kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory. What does not compile is a type with drop
    /// glue, one with an alignment above [`MAX_ALIGN`] or a size above [`MAX_SIZE`], and a grant on
    /// a node: the memory is of the device's.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn number<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, u32>> {
    ///     Ok(Devm::new(task, dev, 7)?)
    /// }
    /// ```
    #[inline]
    pub fn new<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        match Self::allocate(grant, dev) {
            // SAFETY: A `T` has no drop glue.
            Ok(slot) => Ok(unsafe { slot.written(value) }),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory for a `T`, wraps `devm_kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory; see [`Devm::new`] for what does not compile.
    #[inline]
    pub fn new_uninit<G>(
        grant: G,
        dev: &'bound Device<Bound>,
    ) -> Result<Devm<'bound, MaybeUninit<T>>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        Self::allocate(grant, dev)
    }

    /// New memory for a `T` that [`fits`].
    #[inline(always)]
    pub(super) fn allocate<G: Grant>(
        grant: G,
        dev: &'bound Device<Bound>,
    ) -> Result<Devm<'bound, MaybeUninit<T>>, AllocFailed<G::Flags>> {
        match alloc(grant, dev, size_of::<T>()) {
            // INVARIANT: New memory of `devm_kmalloc()`; and a `MaybeUninit` is always initialised
            // and has no drop glue.
            Some(memory) => Ok(Devm {
                memory,
                device: dev,
                _value: PhantomData,
            }),
            None => Err(G::Flags::failed()),
        }
    }

    /// New memory of zeroes, wraps `devm_kzalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit`].
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn table<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, [u64; 64]>> {
    ///     Ok(Devm::zeroed(task, dev)?)
    /// }
    /// ```
    #[inline]
    pub fn zeroed<G>(grant: G, dev: &'bound Device<Bound>) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        match Self::allocate(grant.zeroed(), dev) {
            // SAFETY: The memory is zero, which is a `T`, and that has no drop glue.
            Ok(slot) => Ok(unsafe { slot.initialised() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// Initialises a `T` in new memory, which [`Devm::new_uninit`] gives.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns; the memory is freed then.
    #[inline]
    pub fn init<G, E>(
        grant: G,
        dev: &'bound Device<Bound>,
        init: impl Init<T, E>,
    ) -> Result<Self, Error>
    where
        G: Grant<Flags: ForDevm>,
        Error: From<E>,
    {
        const { fits_plain::<T, G>() };
        let slot = Self::allocate(grant, dev)?;
        // SAFETY: The memory is valid for a `T`, and forgotten when `init` fails.
        match unsafe { pin_init::raw_try_init(slot.memory.cast::<T>().as_ptr(), init) } {
            // SAFETY: `init` succeeded, and a `T` has no drop glue.
            Ok(()) => Ok(unsafe { slot.initialised() }),
            Err(error) => {
                slot.end();
                Err(error.into())
            }
        }
    }

    /// Initialises a `T` in new memory that it does not leave, which [`Devm::new_uninit`] gives.
    ///
    /// # Errors
    ///
    /// As [`Devm::init`].
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::{device::{Bound, Device}, new_spinlock, sync::SpinLock};
    ///
    /// #[pin_data]
    /// struct Counter {
    ///     #[pin]
    ///     value: SpinLock<u64>,
    /// }
    ///
    /// fn counter<'bound>(
    ///     task: &TaskCx,
    ///     dev: &'bound Device<Bound>,
    /// ) -> Result<Pin<Devm<'bound, Counter>>> {
    ///     Devm::pin_init(task, dev, pin_init!(Counter { value <- new_spinlock!(0) }))
    /// }
    /// ```
    #[inline]
    pub fn pin_init<G, E>(
        grant: G,
        dev: &'bound Device<Bound>,
        init: impl PinInit<T, E>,
    ) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForDevm>,
        Error: From<E>,
    {
        const { fits_plain::<T, G>() };
        let slot = Self::allocate(grant, dev)?;
        // SAFETY: The memory is valid for a `T`, forgotten when `init` fails, and the value stays
        // there.
        match unsafe { pin_init::raw_try_init(slot.memory.cast::<T>().as_ptr(), init) } {
            // SAFETY: `init` succeeded, and a `T` has no drop glue.
            Ok(()) => Ok(unsafe { slot.initialised() }.into()),
            Err(error) => {
                slot.end();
                Err(error.into())
            }
        }
    }
}

impl<'bound, T> Devm<'bound, MaybeUninit<T>> {
    /// Initialises the memory with `value`.
    ///
    /// Of a type with drop glue it does not compile.
    #[inline]
    pub fn write(self, value: T) -> Devm<'bound, T> {
        const { has_no_drop::<T>() };
        // SAFETY: A `T` has no drop glue.
        unsafe { self.written(value) }
    }

    /// As [`Devm::write`].
    ///
    /// # Safety
    ///
    /// A `T` has no drop glue.
    #[inline(always)]
    unsafe fn written(self, value: T) -> Devm<'bound, T> {
        // SAFETY: By the invariant the memory is valid for writes of a `T`.
        unsafe { self.memory.cast::<T>().write(value) };
        // SAFETY: It was just initialised, and a `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// Claims that the memory is initialised.
    ///
    /// Of a type with drop glue it does not compile.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Devm<'bound, T> {
        const { has_no_drop::<T>() };
        // SAFETY: By the contract of this function, and a `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// As [`Devm::assume_init`].
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`, which has no drop glue.
    #[inline(always)]
    unsafe fn initialised(self) -> Devm<'bound, T> {
        // INVARIANT: The memory is what it was, and initialised by the contract of this function. A
        // `T` has no drop glue.
        Devm {
            memory: self.memory.cast(),
            device: self.device,
            _value: PhantomData,
        }
    }
}
