// SPDX-License-Identifier: GPL-2.0

//! Boxed slices.

use super::*;
use crate::{
    alloc::allocator::{
        Allocator,
        Blocking, //
    },
    contexts::{
        grant::Grant,
        traits::NotInterrupt, //
    },
    flags::{
        allocators::{
            For,
            ForNonblocking,
            ForRealloc, //
        },
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
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

/// A boxed slice before it is initialised.
type UninitSlice<T, A> = Box<[MaybeUninit<T>], A>;

/// A slice of `len` elements at `memory`.
#[inline(always)]
fn slice<T>(memory: NonNull<T>, len: usize) -> NonNull<[T]> {
    NonNull::slice_from_raw_parts(memory, len)
}

/// Whether `A` treats an empty slice of `T` as any other allocation, so that callers need no check.
const fn zero_len_is_allocated<T, A: Allocator>() -> bool {
    size_of::<T>() != 0 && align_of::<T>() <= A::NOTHING
}

/// The size of `len` elements. An error for a size that `A` can never allocate.
#[inline(always)]
pub(crate) fn bytes<T, A: Allocator, F: Gfp>(len: usize) -> Result<usize, AllocFailed<F>> {
    match size_of::<T>() {
        0 => Ok(0),
        size if len > A::MAX_SIZE / size => Err(F::failed()),
        size => Ok(len * size),
    }
}

impl<T, A: Allocator> Box<[T], A> {
    /// An empty slice, without memory. [`Box::resize`] can grow it.
    #[inline]
    pub const fn empty() -> Self {
        // INVARIANT: An empty slice has no size.
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
    /// [`AllocFailed`] if the allocation fails, and for a size above [`Allocator::MAX_SIZE`] or
    /// above all of RAM.
    #[doc(alias("kmalloc_array", "vmalloc_array", "kvmalloc_array"))]
    #[doc(alias("kmalloc_objs", "kvmalloc_objs"))]
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

    /// Allocates memory for `len` elements.
    ///
    /// # Safety
    ///
    /// `A` accepts the flags of the grant.
    #[inline(always)]
    unsafe fn allocate<G: Grant>(
        grant: G,
        len: usize,
    ) -> Result<UninitSlice<T, A>, AllocFailed<G::Flags>> {
        let bytes = bytes::<T, A, G::Flags>(len)?;
        let memory = if bytes == 0 && !const { zero_len_is_allocated::<T, A>() } {
            NonNull::dangling()
        } else {
            // SAFETY: `# Safety`: `A` accepts the flags. `bytes` is at most `MAX_SIZE`, and 0 only
            // where `A` takes the result as memory of a `T`.
            let memory = unsafe { A::alloc_bytes::<MaybeUninit<T>, G>(bytes, grant) };
            NonNull::new(memory).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of `A`, aligned for `T`. A `MaybeUninit` needs no initialisation.
        Ok(Box(slice(memory, len), PhantomData))
    }

    /// As [`Box::allocate`], zeroed.
    ///
    /// # Safety
    ///
    /// As for [`Box::allocate`].
    #[inline(always)]
    unsafe fn allocate_zeroed<G: Grant>(grant: G, len: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
    {
        // SAFETY: `# Safety`: `A` accepts the flags. Every allocator of boxes also accepts them
        // with `__GFP_ZERO`.
        let memory = unsafe { Self::allocate(grant.zeroed(), len) };
        let memory = memory.map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed, and `T: Zeroable`.
        Ok(unsafe { memory.assume_init() })
    }

    /// `len` zeroed elements, wraps `kcalloc()`, `vcalloc()` or `kvcalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    #[doc(alias("kcalloc", "vcalloc", "kvcalloc", "kzalloc_objs", "kvzalloc_objs"))]
    #[inline]
    pub fn zeroed_slice<G>(grant: G, len: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: For<A> + MayFail>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate_zeroed(grant, len) }
    }

    /// `len` elements. `f` makes each from its index. The memory is allocated as by
    /// [`Box::new_uninit_slice`].
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
        let memory = Box::<[T], A>::new_uninit_slice(grant, len)?;
        // SAFETY: There is no element before the first.
        Ok(unsafe { memory.fill_with(0, f) })
    }

    /// A copy of `source`, wraps `kmemdup()` or `kvmemdup()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    #[doc(alias("kmemdup", "kmemdup_array", "kvmemdup", "kmemdup_nul", "kstrdup"))]
    #[doc(alias = "kstrndup")]
    #[inline]
    pub fn from_slice<G>(grant: G, source: &[T]) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Copy,
        G: Grant<Flags: For<A> + MayFail>,
    {
        let memory = Box::<[T], A>::new_uninit_slice(grant, source.len())?;
        // SAFETY: Both are valid for `source.len()` elements. New memory does not overlap `source`.
        unsafe {
            ptr::copy_nonoverlapping(source.as_ptr(), memory.0.cast().as_ptr(), source.len())
        };
        // SAFETY: Every element was copied above.
        Ok(unsafe { memory.assume_init() })
    }

    /// Resizes the slice to `len` elements, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`.
    /// Drops the elements from `len` on, or fills the new ones with `value`.
    ///
    /// The memory may move. A `len` of 0 frees it. An empty slice is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the slice if the allocation fails, and for more than
    /// [`Allocator::MAX_SIZE`] bytes. A slice that was to shrink has the new length then, in its
    /// old memory.
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
    #[doc(alias = "krealloc_array")]
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
            // SAFETY: Invariant of `Box`: the elements are initialised. Those from `len` on are not
            // used again.
            unsafe { ptr::drop_in_place(slice(memory.add(len), surplus).as_ptr()) };
            // INVARIANT: The memory is unchanged and its first `len` elements are initialised.
            // `len` is not 0, so the slice still has a size.
            this = Box(slice(memory, len), PhantomData);
        }
        let kept = this.len();
        match this.into_uninit().realloc(grant, len) {
            // SAFETY: The first `kept` elements are initialised. `realloc` keeps them, or the first
            // `len` of them.
            Ok(memory) => Ok(unsafe { memory.fill_with(kept, |_| value.clone()) }),
            Err(failed) => {
                // SAFETY: The memory is unchanged and has `kept` initialised elements.
                let old = unsafe { failed.value.assume_init() };
                Err(AllocFailedWith::new(AllocFailed(failed.failure), old))
            }
        }
    }

    /// The memory as uninitialised. Drops no element.
    fn into_uninit(self) -> Box<[MaybeUninit<T>], A> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is unchanged, and a `MaybeUninit` needs no initialisation.
        Box(slice(memory.cast(), memory.len()), PhantomData)
    }
}

impl<T, A: Allocator> Box<[MaybeUninit<T>], A> {
    /// Resizes the memory to `len` elements, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`. The
    /// contents are kept up to the smaller size.
    ///
    /// The memory may move. A `len` of 0 frees it. An empty slice is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the unchanged memory if the allocation fails, and for more than
    /// [`Allocator::MAX_SIZE`] bytes.
    #[doc(alias("krealloc", "vrealloc", "kvrealloc"))]
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
            // SAFETY: `old` is NULL, an address that `A` ignores, or memory of `A` that `self` owns
            // (invariant of `Box`). The bounds ask for flags that `A` accepts for `realloc`.
            // `bytes` is at most `MAX_SIZE`, and 0 only where `A` takes the result as memory of a
            // `T`.
            match NonNull::new(unsafe { A::realloc(old, bytes, grant) }) {
                Some(memory) => {
                    // The old memory is freed, or is the new memory.
                    core::mem::forget(self);
                    memory
                }
                None => return Err(AllocFailedWith::new(G::Flags::failed(), self)),
            }
        };
        // INVARIANT: Memory of `A`, aligned for `T`. A `MaybeUninit` needs no initialisation.
        Ok(Box(slice(memory, len), PhantomData))
    }

    /// Asserts that the memory is initialised.
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Box<[T], A> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is unchanged. `# Safety`: every element is a valid `T`.
        Box(slice(memory.cast(), memory.len()), PhantomData)
    }

    /// Initialises the elements from index `from` on.
    ///
    /// # Safety
    ///
    /// The elements before `from` are initialised.
    #[inline]
    unsafe fn fill_with(mut self, from: usize, mut f: impl FnMut(usize) -> T) -> Box<[T], A> {
        for (index, element) in self.iter_mut().enumerate().skip(from) {
            element.write(f(index));
        }
        // SAFETY: `# Safety`: the elements before `from` are initialised. The loop wrote the
        // others.
        unsafe { self.assume_init() }
    }
}

impl<T, A: Blocking> Box<[T], A> {
    /// As [`Box::new_uninit_slice`], but never sleeps: see [`Box::new_nonblocking`].
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`] and [`Box::new_nonblocking`].
    #[inline]
    pub fn new_uninit_slice_nonblocking<G>(
        grant: G,
        len: usize,
    ) -> Result<UninitSlice<T, A>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts in this context.
        unsafe { Self::allocate(grant, len) }
    }

    /// As [`Box::zeroed_slice`], but never sleeps: see [`Box::new_nonblocking`].
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`] and [`Box::new_nonblocking`].
    #[inline]
    pub fn zeroed_slice_nonblocking<G>(grant: G, len: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts in this context.
        unsafe { Self::allocate_zeroed(grant, len) }
    }
}
