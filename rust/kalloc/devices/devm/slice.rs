// SPDX-License-Identifier: GPL-2.0

//! [`Devm`] of slices.

use super::*;
use crate::{
    contexts::grant::Grant,
    flags::{
        allocators::{
            ForDevm,
            ForDevmRealloc, //
        },
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
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

/// A slice of `len` elements at `memory`.
#[inline(always)]
fn slice<T>(memory: NonNull<T>, len: usize) -> NonNull<[T]> {
    NonNull::slice_from_raw_parts(memory, len)
}

/// The size of `len` elements. An error for a size that devm can never allocate.
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
    /// [`AllocFailed`] if the allocation fails, and for more than [`MAX_SIZE`] bytes. The limits of
    /// [`Devm::new`] apply.
    #[doc(alias = "devm_kmalloc_array")]
    #[inline(never)]
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

    /// Allocates memory for `len` elements. `T` [`fits`].
    #[inline(always)]
    fn allocate<G: Grant>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
    ) -> Result<Devm<'bound, [MaybeUninit<T>]>, AllocFailed<G::Flags>> {
        match alloc(grant, dev, bytes::<T, G::Flags>(len)?) {
            // INVARIANT: New memory of `devm_kmalloc()`. A `MaybeUninit` needs no initialisation
            // and has no drop glue.
            Some(memory) => Ok(Devm {
                memory: slice(memory, len),
                device: dev,
                _value: PhantomData,
            }),
            None => Err(G::Flags::failed()),
        }
    }

    /// `len` zeroed elements, wraps `devm_kcalloc()`.
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
    #[doc(alias = "devm_kcalloc")]
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
        let memory = Self::allocate(grant.zeroed(), dev, len).map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed and `T: Zeroable`. `T` has no drop glue.
        Ok(unsafe { memory.initialised() })
    }

    /// `len` elements. `f` makes each from its index. The memory is allocated as by
    /// [`Devm::new_uninit_slice`].
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    #[inline(never)]
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
        // SAFETY: No element is before index 0. `T` has no drop glue.
        Ok(unsafe { memory.fill_with(0, f) })
    }

    /// A copy of `source`, wraps `devm_kmemdup()`.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    #[doc(alias("devm_kmemdup", "devm_kmemdup_array"))]
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
        // SAFETY: Both are valid for `source.len()` elements. New memory does not overlap `source`.
        unsafe {
            ptr::copy_nonoverlapping(source.as_ptr(), memory.memory.cast().as_ptr(), source.len())
        };
        // SAFETY: Every element was copied above. `T` has no drop glue.
        Ok(unsafe { memory.initialised() })
    }

    /// Resizes the slice to `len` elements, wraps `devm_krealloc()`. Fills new elements with
    /// `value`.
    ///
    /// The memory may move. A `len` of 0 frees it. An empty slice is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the unchanged slice if the allocation fails, and for more than
    /// [`MAX_SIZE`] bytes.
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
    #[doc(alias = "devm_krealloc_array")]
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
        // INVARIANT: The memory is unchanged. A `MaybeUninit` needs no initialisation and has no
        // drop glue, and `T` has none.
        let memory: Devm<'_, [MaybeUninit<T>]> = Devm {
            memory: slice(self.memory.cast(), kept),
            device: self.device,
            _value: PhantomData,
        };
        match memory.realloc(grant, len) {
            // SAFETY: The first `kept` elements, or all if there are fewer, are initialised. The
            // `T` of a slice in a `Devm` has no drop glue.
            Ok(memory) => Ok(unsafe { memory.fill_with(kept, |_| value.clone()) }),
            Err(failed) => {
                // SAFETY: The memory is unchanged and has `kept` initialised elements. `T` has no
                // drop glue.
                let old = unsafe { failed.value.initialised() };
                Err(AllocFailedWith::new(AllocFailed(failed.failure), old))
            }
        }
    }
}

impl<'bound, T> Devm<'bound, [MaybeUninit<T>]> {
    /// Resizes the memory to `len` elements, wraps `devm_krealloc()`. The contents are kept up to
    /// the smaller size, and so is the position in the order of release.
    ///
    /// The memory may move. A `len` of 0 frees it. An empty slice is allocated, and released first.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the unchanged memory if the allocation fails, and for more than
    /// [`MAX_SIZE`] bytes.
    #[doc(alias = "devm_krealloc")]
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
        // SAFETY: `old` is NULL, or owned memory of `devm_kmalloc()` of that device. The grant
        // proves that the flags are legal in this context, and kmalloc accepts them. `bytes` is at
        // most `MAX_SIZE`.
        let new = unsafe { bindings::devm_krealloc(raw(self.device), old, bytes, G::Flags::BITS) };
        let memory = if bytes == 0 {
            NonNull::dangling()
        } else {
            match NonNull::new(new.cast()) {
                Some(memory) => memory,
                None => return Err(AllocFailedWith::new(G::Flags::failed(), self)),
            }
        };
        // INVARIANT: Memory of `devm_krealloc()`, unless it has no size. A `MaybeUninit` needs no
        // initialisation and has no drop glue.
        Ok(Devm {
            memory: slice(memory, len),
            device: self.device,
            _value: PhantomData,
        })
    }

    /// Asserts that the memory is initialised.
    ///
    /// Does not compile for a type with drop glue.
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Devm<'bound, [T]> {
        const { has_no_drop::<T>() };
        // SAFETY: `# Safety`: every element is a valid `T`. `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// As [`Devm::assume_init`].
    ///
    /// # Safety
    ///
    /// Every element is a valid `T`, and `T` has no drop glue.
    #[inline(always)]
    unsafe fn initialised(self) -> Devm<'bound, [T]> {
        // INVARIANT: The memory is unchanged. `# Safety`: every element is a valid `T`, and `T` has
        // no drop glue.
        Devm {
            memory: slice(self.memory.cast(), self.len()),
            device: self.device,
            _value: PhantomData,
        }
    }

    /// Initialises the elements from index `from` on.
    ///
    /// # Safety
    ///
    /// The elements before `from` are initialised. `T` has no drop glue.
    #[inline]
    unsafe fn fill_with(mut self, from: usize, mut f: impl FnMut(usize) -> T) -> Devm<'bound, [T]> {
        for (index, element) in self.iter_mut().enumerate().skip(from) {
            element.write(f(index));
        }
        // SAFETY: `# Safety`: the elements before `from` are initialised, and `T` has no drop glue.
        // The loop wrote the others.
        unsafe { self.initialised() }
    }
}
