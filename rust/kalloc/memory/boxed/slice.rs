// SPDX-License-Identifier: GPL-2.0

//! A box of many values.

use super::*;
use crate::{
    alloc::allocator::Allocator,
    contexts::grant::Grant,
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::{
            For,
            ForRealloc, //
        },
        properties::MayFail, //
    },
};
use core::{
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::prelude::Zeroable;

/// Elements before they are initialised.
pub(super) type UninitSlice<T, A> = Box<[MaybeUninit<T>], A>;

/// A slice at `memory`.
#[inline(always)]
fn slice<T>(memory: NonNull<T>, len: usize) -> NonNull<[T]> {
    NonNull::slice_from_raw_parts(memory, len)
}

/// Whether `A` takes a slice of no `T` for memory as every other, so that nobody has to ask.
const fn zero_len_is_allocated<T, A: Allocator>() -> bool {
    size_of::<T>() != 0 && align_of::<T>() <= A::NOTHING
}

/// The size of `len` elements, which is none that `A` could never give.
#[inline(always)]
pub(crate) fn bytes<T, A: Allocator, F: Gfp>(len: usize) -> Result<usize, AllocFailed<F>> {
    match size_of::<T>() {
        0 => Ok(0),
        size if len > A::MAX_SIZE / size => Err(F::failed()),
        size => Ok(len * size),
    }
}

impl<T, A: Allocator> Box<[T], A> {
    /// A slice of nothing, which takes no memory: what [`Box::resize`] can start from.
    #[inline]
    pub const fn empty() -> Self {
        // INVARIANT: A slice of no elements has no size.
        Self(
            NonNull::slice_from_raw_parts(NonNull::dangling(), 0),
            PhantomData,
        )
    }

    /// New memory for `len` elements, wraps `kmalloc_array()`, `vmalloc_array()` or
    /// `kvmalloc_array()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory, and for more than [`Allocator::MAX_SIZE`] bytes, or than
    /// all of RAM.
    #[inline]
    pub fn new_uninit_slice<G>(
        grant: G,
        len: usize,
    ) -> Result<UninitSlice<T, A>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: For<A> + MayFail>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate(grant, len) }
    }

    /// New memory for `len` elements.
    ///
    /// # Safety
    ///
    /// `A` accepts the flags of the grant.
    #[inline(always)]
    pub(super) unsafe fn allocate<G: Grant>(
        grant: G,
        len: usize,
    ) -> Result<UninitSlice<T, A>, AllocFailed<G::Flags>> {
        let bytes = bytes::<T, A, G::Flags>(len)?;
        let memory = if bytes == 0 && !const { zero_len_is_allocated::<T, A>() } {
            NonNull::dangling()
        } else {
            // SAFETY: By the contract of this function, and `bytes` is at most `MAX_SIZE`. It is 0
            // only where `A` takes that for memory of a `T`.
            let memory = unsafe { A::alloc_bytes::<MaybeUninit<T>, G>(bytes, grant) };
            NonNull::new(memory).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of `A`, aligned for `T`; and a `MaybeUninit` is always initialised.
        Ok(Box(slice(memory, len), PhantomData))
    }

    /// As [`Box::allocate`], of zeroes.
    ///
    /// # Safety
    ///
    /// As of [`Box::allocate`].
    #[inline(always)]
    pub(super) unsafe fn allocate_zeroed<G: Grant>(
        grant: G,
        len: usize,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
    {
        // SAFETY: By the contract of this function. Every allocator of boxes accepts `__GFP_ZERO`
        // with flags that it accepts for new memory.
        match unsafe { Self::allocate(grant.zeroed(), len) } {
            // SAFETY: The memory is zero, which is a `T` in every place.
            Ok(memory) => Ok(unsafe { memory.assume_init() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// `len` elements of zeroes, wraps `kcalloc()`, `vcalloc()` or `kvcalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    #[inline]
    pub fn zeroed_slice<G>(grant: G, len: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: For<A> + MayFail>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate_zeroed(grant, len) }
    }

    /// `len` elements, each made by `f` from its index, in memory that [`Box::new_uninit_slice`]
    /// gives.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn squares(task: &TaskCx) -> Result<KBox<[usize]>> {
    ///     Ok(KBox::from_fn(task, 16, |i| i * i)?)
    /// }
    /// ```
    #[inline]
    pub fn from_fn<G>(
        grant: G,
        len: usize,
        f: impl FnMut(usize) -> T,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: For<A> + MayFail>,
    {
        Ok(Box::<[T], A>::new_uninit_slice(grant, len)?.fill_with(0, f))
    }

    /// A copy of `source`, wraps `kmemdup()` or `kvmemdup()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    #[inline]
    pub fn from_slice<G>(grant: G, source: &[T]) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Copy,
        G: Grant<Flags: For<A> + MayFail>,
    {
        let memory = Box::<[T], A>::new_uninit_slice(grant, source.len())?;
        // SAFETY: Both are valid for that many elements, and new memory is apart from the source.
        unsafe {
            ptr::copy_nonoverlapping(source.as_ptr(), memory.0.cast().as_ptr(), source.len())
        };
        // SAFETY: Every element was just copied.
        Ok(unsafe { memory.assume_init() })
    }

    /// Makes the slice `len` elements long, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`: drops what is too much, fills up
    /// with `value`.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the slice where there is no memory, and for more than [`Allocator::MAX_SIZE`]
    /// bytes. When it was to shrink it is then shorter all the same, in the memory that it had.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// /// The longer slice, or the old one.
    /// fn longer(task: &TaskCx, data: KBox<[u8]>) -> KBox<[u8]> {
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
        G: Grant<Flags: ForRealloc<A>>,
    {
        let mut this = self;
        let surplus = this.len().saturating_sub(len);
        if len == 0 {
            return Ok(Self::empty());
        }
        if surplus != 0 {
            let memory = ManuallyDrop::new(this).0.cast::<T>();
            // SAFETY: By the invariant; these elements are not used again.
            unsafe { ptr::drop_in_place(slice(memory.add(len), surplus).as_ptr()) };
            // INVARIANT: The memory is what it was, and its first `len` elements are initialised.
            // With `len` above 0 it still has a size.
            this = Box(slice(memory, len), PhantomData);
        }
        let kept = this.len();
        match this.into_uninit().realloc(grant, len) {
            Ok(memory) => Ok(memory.fill_with(kept, |_| value.clone())),
            Err(failed) => {
                // SAFETY: The memory is what it was, with `kept` initialised elements.
                let old = unsafe { failed.value.assume_init() };
                Err(AllocFailedWith::new(AllocFailed(failed.failure), old))
            }
        }
    }

    /// The memory, with its contents forgotten.
    fn into_uninit(self) -> Box<[MaybeUninit<T>], A> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised.
        Box(slice(memory.cast(), memory.len()), PhantomData)
    }
}

impl<T, A: Allocator> Box<[MaybeUninit<T>], A> {
    /// Gives the memory room for `len` elements, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`. The contents stay, as far as
    /// they fit.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the memory as it was where there is no more, and for more than
    /// [`Allocator::MAX_SIZE`] bytes.
    pub fn realloc<G>(self, grant: G, len: usize) -> Result<Self, AllocFailedWith<G::Flags, Self>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        let bytes = match bytes::<T, A, G::Flags>(len) {
            Ok(bytes) => bytes,
            Err(failed) => return Err(AllocFailedWith::new(failed, self)),
        };
        let zero_len_is_allocated = const { zero_len_is_allocated::<T, A>() };
        let old = if size_of_val(&*self) == 0 && !zero_len_is_allocated {
            ptr::null_mut()
        } else {
            self.0.cast::<MaybeUninit<T>>().as_ptr()
        };
        let memory = if bytes == 0 && !zero_len_is_allocated {
            drop(self);
            NonNull::dangling()
        } else {
            // SAFETY: By the invariant `old` is nothing to `A`, or memory of `A` that `self` owns. The
            // bounds ask for flags that `A` accepts for it. `bytes` is at most `MAX_SIZE`, and 0 only
            // where `A` takes that for memory of a `T`.
            match NonNull::new(unsafe { A::realloc(old, bytes, grant) }) {
                Some(memory) => {
                    // The old memory is freed or is the new one.
                    core::mem::forget(self);
                    memory
                }
                None => return Err(AllocFailedWith::new(G::Flags::failed(), self)),
            }
        };
        // INVARIANT: Memory of `A`, aligned for `T`; and a `MaybeUninit` is always initialised.
        Ok(Box(slice(memory, len), PhantomData))
    }

    /// Claims that the memory is initialised.
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Box<[T], A> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is what it was, and initialised by the contract of this function.
        Box(slice(memory.cast(), memory.len()), PhantomData)
    }

    /// Initialises the elements from `from` on, of which those before are initialised.
    #[inline]
    fn fill_with(mut self, from: usize, mut f: impl FnMut(usize) -> T) -> Box<[T], A> {
        for (index, element) in self.iter_mut().enumerate().skip(from) {
            element.write(f(index));
        }
        // SAFETY: Those before `from` are by the contract of this private function, the others were
        // just written.
        unsafe { self.assume_init() }
    }
}
