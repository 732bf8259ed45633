// SPDX-License-Identifier: GPL-2.0

//! Slices.

use super::*;
use crate::{
    contexts::grant::Grant,
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::{
            ForDevm,
            ForDevmRealloc, //
        },
    },
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    prelude::Zeroable, //
};

/// A slice at `memory`.
#[inline(always)]
fn slice<T>(memory: NonNull<T>, len: usize) -> NonNull<[T]> {
    NonNull::slice_from_raw_parts(memory, len)
}

/// The size of `len` elements, which is none that devm could never give.
#[inline(always)]
fn bytes<T, F: Gfp>(len: usize) -> Result<usize, AllocFailed<F>> {
    match size_of::<T>() {
        0 => Ok(0),
        size if len > MAX_SIZE / size => Err(F::failed()),
        size => Ok(len * size),
    }
}

impl<'bound, T> Devm<'bound, [T]> {
    /// New memory for `len` elements, wraps `devm_kmalloc_array()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory, and for more than [`MAX_SIZE`] bytes. What does not
    /// compile is as in [`Devm::new`].
    #[inline]
    pub fn new_uninit_slice<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
    ) -> Result<Devm<'bound, [MaybeUninit<T>]>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        Self::allocate(grant, dev, len)
    }

    /// New memory for `len` elements that [`fits`].
    #[inline(always)]
    pub(super) fn allocate<G: Grant>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
    ) -> Result<Devm<'bound, [MaybeUninit<T>]>, AllocFailed<G::Flags>> {
        match alloc(grant, dev, bytes::<T, G::Flags>(len)?) {
            // INVARIANT: New memory of `devm_kmalloc()`; and a `MaybeUninit` is always initialised
            // and has no drop glue.
            Some(memory) => Ok(Devm {
                memory: slice(memory, len),
                device: dev,
                _value: PhantomData,
            }),
            None => Err(G::Flags::failed()),
        }
    }

    /// `len` elements of zeroes, wraps `devm_kcalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn ring<'bound>(
    ///     task: &TaskCx,
    ///     dev: &'bound Device<Bound>,
    ///     entries: usize,
    /// ) -> Result<Devm<'bound, [u64]>> {
    ///     Ok(Devm::zeroed_slice(task, dev, entries)?)
    /// }
    /// ```
    #[inline]
    pub fn zeroed_slice<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        match Self::allocate(grant.zeroed(), dev, len) {
            // SAFETY: The memory is zero, which is a `T` in every place, and that has no drop glue.
            Ok(memory) => Ok(unsafe { memory.initialised() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// `len` elements, each made by `f` from its index, in memory that
    /// [`Devm::new_uninit_slice`] gives.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    #[inline]
    pub fn from_fn<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
        f: impl FnMut(usize) -> T,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        let memory = Self::allocate(grant, dev, len)?;
        // SAFETY: Before the first there is none, and a `T` has no drop glue.
        Ok(unsafe { memory.fill_with(0, f) })
    }

    /// A copy of `source`, wraps `devm_kmemdup()`.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    #[inline]
    pub fn from_slice<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        source: &[T],
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Copy,
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        let memory = Self::allocate(grant, dev, source.len())?;
        // SAFETY: Both are valid for that many elements, and new memory is apart from the source.
        unsafe {
            ptr::copy_nonoverlapping(source.as_ptr(), memory.memory.cast().as_ptr(), source.len())
        };
        // SAFETY: Every element was just copied, and a `T` has no drop glue.
        Ok(unsafe { memory.initialised() })
    }

    /// Makes the slice `len` elements long, wraps `devm_krealloc()`: fills up with `value`.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the slice as it was where there is no memory, and for more than [`MAX_SIZE`]
    /// bytes.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    ///
    /// /// The longer slice, or the old one.
    /// fn longer<'bound>(task: &TaskCx, data: Devm<'bound, [u8]>) -> Devm<'bound, [u8]> {
    ///     let len = data.len() + 16;
    ///     data.resize(task, len, 0).unwrap_or_else(|failed| failed.value)
    /// }
    /// ```
    pub fn resize<G>(
        self,
        grant: G,
        len: usize,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, Self>>
    where
        T: Clone,
        G: Grant<Flags: ForDevmRealloc>,
    {
        let kept = self.len();
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised and has no
        // drop glue, as a `T` has none.
        let memory: Devm<'_, [MaybeUninit<T>]> = Devm {
            memory: slice(self.memory.cast(), kept),
            device: self.device,
            _value: PhantomData,
        };
        match memory.realloc(grant, len) {
            // SAFETY: `kept` elements are initialised, as far as there are so many, and a `T` of a
            // `Devm` of elements has no drop glue.
            Ok(memory) => Ok(unsafe { memory.fill_with(kept, |_| value.clone()) }),
            Err(failed) => {
                // SAFETY: The memory is what it was, with `kept` initialised elements, which have no
                // drop glue.
                let old = unsafe { failed.value.initialised() };
                Err(AllocFailedWith::new(AllocFailed(failed.failure), old))
            }
        }
    }
}

impl<'bound, T> Devm<'bound, [MaybeUninit<T>]> {
    /// Gives the memory room for `len` elements, wraps `devm_krealloc()`. The contents stay, as far
    /// as they fit, and so does its place in the order of release.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated, and released first.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the memory as it was where there is no more, and for more than [`MAX_SIZE`]
    /// bytes.
    pub fn realloc<G>(self, grant: G, len: usize) -> Result<Self, AllocFailedWith<G::Flags, Self>>
    where
        G: Grant<Flags: ForDevmRealloc>,
    {
        const { fits_plain::<T, G>() };
        let bytes = match bytes::<T, G::Flags>(len) {
            Ok(bytes) => bytes,
            Err(failed) => return Err(AllocFailedWith::new(failed, self)),
        };
        let old = if size_of_val(&*self) == 0 {
            ptr::null_mut()
        } else {
            self.memory.cast().as_ptr()
        };
        let _ = grant;
        // SAFETY: `old` is NULL, or memory of `devm_kmalloc()` of that device, which is ours. The
        // flags are legal in this context, which is what the grant says, and are those that kmalloc
        // accepts.
        let new = unsafe { bindings::devm_krealloc(raw(self.device), old, bytes, G::Flags::BITS) };
        let memory = if bytes == 0 {
            NonNull::dangling()
        } else {
            match NonNull::new(new.cast()) {
                Some(memory) => memory,
                None => return Err(AllocFailedWith::new(G::Flags::failed(), self)),
            }
        };
        // INVARIANT: Memory of `devm_krealloc()`, unless it has no size; and a `MaybeUninit` is
        // always initialised and has no drop glue.
        Ok(Devm {
            memory: slice(memory, len),
            device: self.device,
            _value: PhantomData,
        })
    }

    /// Claims that the memory is initialised.
    ///
    /// Of a type with drop glue it does not compile.
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Devm<'bound, [T]> {
        const { has_no_drop::<T>() };
        // SAFETY: By the contract of this function, and a `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// As [`Devm::assume_init`].
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`, which has no drop glue.
    #[inline(always)]
    unsafe fn initialised(self) -> Devm<'bound, [T]> {
        // INVARIANT: The memory is what it was, and initialised by the contract of this function. A
        // `T` has no drop glue.
        Devm {
            memory: slice(self.memory.cast(), self.len()),
            device: self.device,
            _value: PhantomData,
        }
    }

    /// Initialises the elements from `from` on.
    ///
    /// # Safety
    ///
    /// Those before are initialised. A `T` has no drop glue.
    #[inline]
    unsafe fn fill_with(mut self, from: usize, mut f: impl FnMut(usize) -> T) -> Devm<'bound, [T]> {
        for (index, element) in self.iter_mut().enumerate().skip(from) {
            element.write(f(index));
        }
        // SAFETY: Those before `from` are by the contract of this function, the others were just
        // written.
        unsafe { self.initialised() }
    }
}
