// SPDX-License-Identifier: GPL-2.0

//! The capacity of a [`Vec`]: allocation, growing and shrinking.

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
            ForNonblocking,
            ForRealloc, //
        },
        gfp::{
            AllocFailed,
            Gfp, //
        },
    },
    memory::boxed::bytes, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

impl<T, A: Allocator> Vec<T, A> {
    /// An empty vector, without memory.
    #[inline]
    pub const fn new() -> Self {
        // INVARIANT: There are no elements, and `capacity` is 0.
        Self {
            ptr: NonNull::dangling(),
            capacity: 0,
            len: 0,
            _allocator: PhantomData,
        }
    }

    /// An empty vector with the given capacity, wraps `kmalloc_array()`, `vmalloc_array()` or
    /// `kvmalloc_array()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails, and for a size above [`Allocator::MAX_SIZE`] or
    /// above all of RAM.
    #[inline]
    pub fn with_capacity<G>(grant: G, capacity: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate(grant, capacity) }
    }

    /// As [`Vec::with_capacity`].
    ///
    /// # Safety
    ///
    /// `A` accepts the flags of the grant.
    #[inline(always)]
    unsafe fn allocate<G: Grant>(grant: G, capacity: usize) -> Result<Self, AllocFailed<G::Flags>> {
        let bytes = bytes::<T, A, G::Flags>(capacity)?;
        if bytes == 0 {
            return Ok(Self::new());
        }
        // SAFETY: `# Safety`: `A` accepts the flags. `bytes` is at most `MAX_SIZE` and not 0.
        let ptr = unsafe { A::alloc_bytes(bytes, grant) };
        let ptr = NonNull::new(ptr).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New memory for `capacity` elements. No element is initialised.
        Ok(Self {
            ptr,
            capacity,
            len: 0,
            _allocator: PhantomData,
        })
    }

    /// The number of elements that fit without an allocation.
    #[inline(always)]
    pub const fn capacity(&self) -> usize {
        if size_of::<T>() == 0 {
            usize::MAX
        } else {
            self.capacity
        }
    }

    /// The number of elements.
    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reallocates memory of `capacity` elements for `room` elements, wraps `krealloc()`,
    /// `vrealloc()` or `kvrealloc()`.
    ///
    /// # Safety
    ///
    /// `memory` and `capacity` are those of a vector. The vector does not use the memory again,
    /// unless this returns `None`. `room` is at least its length and not 0. `T` has a size.
    unsafe fn reallocate<G: Grant<Flags: ForRealloc<A>>>(
        memory: NonNull<T>,
        capacity: usize,
        room: usize,
        grant: G,
    ) -> Option<NonNull<T>> {
        let bytes = bytes::<T, A, G::Flags>(room).ok()?;
        NonNull::new(if capacity == 0 {
            // SAFETY: The bounds ask for flags that `A` accepts. `bytes` is at most `MAX_SIZE` and
            // not 0.
            unsafe { A::alloc_bytes(bytes, grant) }
        } else {
            // SAFETY: Invariant of `Vec`: `memory` is owned memory of `A`. The bounds ask for flags
            // that `A` accepts for `realloc`. `bytes` is at most `MAX_SIZE` and not 0.
            unsafe { A::realloc(memory.as_ptr(), bytes, grant) }
        })
    }

    /// Memory for `additional` elements more, and its capacity.
    ///
    /// Takes the fields by value, so that a loop of pushes keeps the vector in registers.
    ///
    /// # Safety
    ///
    /// `memory`, `capacity` and `len` are those of a vector. The vector does not use the memory
    /// again, unless this returns `None`.
    #[cold]
    #[inline(never)]
    unsafe fn grown<G: Grant<Flags: ForRealloc<A>>>(
        memory: NonNull<T>,
        capacity: usize,
        len: usize,
        additional: usize,
        grant: G,
    ) -> Option<(NonNull<T>, usize)> {
        if size_of::<T>() == 0 {
            // The capacity is `usize::MAX` already.
            return None;
        }
        let needed = len.checked_add(additional)?;
        // Doubles the capacity, up to the largest allocation.
        let most = A::MAX_SIZE / size_of::<T>().max(1);
        let room = needed.max(most.min(capacity * 2));
        // SAFETY: `# Safety`: the fields are those of a vector. `room` is above its length. `T` has
        // a size.
        let memory = unsafe { Self::reallocate(memory, capacity, room, grant) }?;
        Some((memory, room))
    }

    /// Grows the vector for `additional` elements more, which exceed the capacity.
    #[inline(always)]
    pub(super) fn grow<G>(
        &mut self,
        grant: G,
        additional: usize,
    ) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        // SAFETY: The fields are those of this vector, which takes the new memory.
        let grown = unsafe { Self::grown(self.ptr, self.capacity, self.len, additional, grant) };
        // INVARIANT: Memory for that many elements. The elements were moved and the old memory was
        // freed.
        (self.ptr, self.capacity) = grown.ok_or_else(G::Flags::failed)?;
        Ok(())
    }

    /// Reserves capacity for at least `additional` elements more, wraps `krealloc()`, `vrealloc()`
    /// or `kvrealloc()`. The memory may move.
    ///
    /// # Errors
    ///
    /// As [`Vec::with_capacity`]. The vector is unchanged then.
    #[doc(alias = "krealloc_array")]
    #[inline]
    pub fn reserve<G>(&mut self, grant: G, additional: usize) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        if additional > self.capacity() - self.len {
            self.grow(grant, additional)?;
        }
        Ok(())
    }

    /// Frees the spare capacity, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`. The memory may
    /// move.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation of new memory fails. The vector is unchanged then.
    pub fn shrink_to_fit<G>(&mut self, grant: G) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        if self.capacity == self.len {
            return Ok(());
        }
        if self.len == 0 {
            *self = Self::new();
            return Ok(());
        }
        if size_of::<T>() == 0 {
            return Ok(());
        }
        // SAFETY: The fields are those of this vector, which takes the new memory and is not empty.
        // `T` has a size.
        let memory = unsafe { Self::reallocate(self.ptr, self.capacity, self.len, grant) };
        // INVARIANT: Memory for `len` elements. The elements were moved and the old memory was
        // freed.
        self.ptr = memory.ok_or_else(G::Flags::failed)?;
        self.capacity = self.len;
        Ok(())
    }
}

impl<T, A: Blocking> Vec<T, A> {
    /// As [`Vec::with_capacity`], but never sleeps: see
    /// [`Box::new_nonblocking`](crate::boxed::Box::new_nonblocking).
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn in_a_lock(cx: &AtomicCx<'_>, words: [u64; 4]) -> Result<KVVec<u64>> {
    ///     let mut list = KVVec::with_capacity_nonblocking(cx, 4)?;
    ///     for word in words {
    ///         list.push_within_capacity(word).map_err(|_| ENOMEM)?;
    ///     }
    ///     Ok(list)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Vec::with_capacity`].
    #[inline]
    pub fn with_capacity_nonblocking<G>(
        grant: G,
        capacity: usize,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts in this context.
        unsafe { Self::allocate(grant, capacity) }
    }
}
