// SPDX-License-Identifier: GPL-2.0

//! [`Devm`] of a single value without drop glue.

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
    /// [`AllocFailedWith`] the value if the allocation fails. A type with drop glue, with an
    /// alignment above [`MAX_ALIGN`] or a size above [`MAX_SIZE`] does not compile. Nor does a
    /// grant with a node: the memory is from the device's node.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn number<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, u32>> {
    ///     Ok(Devm::new(task, dev, 7)?)
    /// }
    /// ```
    #[doc(alias = "devm_kmalloc")]
    #[inline(never)]
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
            // SAFETY: `T` has no drop glue: `fits_plain` was evaluated.
            Ok(slot) => Ok(unsafe { slot.written(value) }),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory for a `T`, wraps `devm_kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails. The limits of [`Devm::new`] apply.
    #[inline(never)]
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

    /// Allocates memory for a `T` that [`fits`].
    #[inline(always)]
    fn allocate<G: Grant>(
        grant: G,
        dev: &'bound Device<Bound>,
    ) -> Result<Devm<'bound, MaybeUninit<T>>, AllocFailed<G::Flags>> {
        match alloc(grant, dev, size_of::<T>()) {
            // INVARIANT: New memory of `devm_kmalloc()`. A `MaybeUninit` needs no initialisation
            // and has no drop glue.
            Some(memory) => Ok(Devm {
                memory,
                device: dev,
                _value: PhantomData,
            }),
            None => Err(G::Flags::failed()),
        }
    }

    /// New zeroed memory, wraps `devm_kzalloc()`.
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
    #[doc(alias = "devm_kzalloc")]
    #[inline]
    pub fn zeroed<G>(grant: G, dev: &'bound Device<Bound>) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        let slot = Self::allocate(grant.zeroed(), dev).map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed and `T: Zeroable`. `T` has no drop glue.
        Ok(unsafe { slot.initialised() })
    }

    /// Initialises a `T` in new memory, allocated as by [`Devm::new_uninit`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails, and the error of `init`. The memory is freed then.
    #[inline(never)]
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
        // SAFETY: `fits_plain` asserted that `T` has no drop glue.
        Ok(unsafe { slot.initialise(init) }?)
    }

    /// Initialises a pinned `T` in new memory, allocated as by [`Devm::new_uninit`].
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
    #[inline(never)]
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
        // SAFETY: `fits_plain` asserted that `T` has no drop glue.
        Ok(unsafe { slot.initialise(init) }?.into())
    }
}

impl<'bound, T> Devm<'bound, MaybeUninit<T>> {
    /// Initialises the memory, or frees it if that fails.
    ///
    /// # Safety
    ///
    /// `T` has no drop glue.
    #[inline(always)]
    unsafe fn initialise<E>(self, init: impl PinInit<T, E>) -> Result<Devm<'bound, T>, E> {
        // SAFETY: The memory is valid for writes of a `T`. If `init` fails, it is freed and not
        // read. The value does not move.
        match unsafe { series::raw_try_init(self.memory.cast::<T>().as_ptr(), init) } {
            // SAFETY: `init` succeeded. `# Safety`: `T` has no drop glue.
            Ok(()) => Ok(unsafe { self.initialised() }),
            Err(error) => {
                self.end();
                Err(error)
            }
        }
    }

    /// Initialises the memory with `value`.
    ///
    /// Does not compile for a type with drop glue.
    #[inline(never)]
    pub fn write(self, value: T) -> Devm<'bound, T> {
        const { has_no_drop::<T>() };
        // SAFETY: `T` has no drop glue.
        unsafe { self.written(value) }
    }

    /// As [`Devm::write`].
    ///
    /// # Safety
    ///
    /// `T` has no drop glue.
    #[inline(always)]
    unsafe fn written(self, value: T) -> Devm<'bound, T> {
        // SAFETY: Invariant of `Devm`: the memory is valid for writes of a `T`.
        unsafe { self.memory.cast::<T>().write(value) };
        // SAFETY: The value was written above. `# Safety`: `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// Asserts that the memory is initialised.
    ///
    /// Does not compile for a type with drop glue.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Devm<'bound, T> {
        const { has_no_drop::<T>() };
        // SAFETY: `# Safety`: the memory holds a valid `T`. `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// As [`Devm::assume_init`].
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`, and `T` has no drop glue.
    #[inline(always)]
    unsafe fn initialised(self) -> Devm<'bound, T> {
        // INVARIANT: The memory is unchanged. `# Safety`: it holds a valid `T`, and `T` has no drop
        // glue.
        Devm {
            memory: self.memory.cast(),
            device: self.device,
            _value: PhantomData,
        }
    }
}
