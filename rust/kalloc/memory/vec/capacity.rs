// SPDX-License-Identifier: GPL-2.0

//! How many elements there is memory for.

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
        gfp::{
            AllocFailed,
            Gfp, //
        },
        matrix::{
            ForNonblocking,
            ForRealloc, //
        },
    },
    memory::boxed::bytes, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

impl<T, A: Allocator> Vec<T, A> {
    /// A vector of nothing, which has no memory.
    #[inline]
    pub const fn new() -> Self {
        // INVARIANT: There are no elements and there is no memory.
        Self {
            ptr: NonNull::dangling(),
            capacity: 0,
            len: 0,
            _allocator: PhantomData,
        }
    }

    /// A vector with room for `capacity` elements, wraps `kmalloc_array()`, `vmalloc_array()` or
    /// `kvmalloc_array()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory, and for more than [`Allocator::MAX_SIZE`] bytes, or than
    /// all of RAM.
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
    pub(super) unsafe fn allocate<G: Grant>(
        grant: G,
        capacity: usize,
    ) -> Result<Self, AllocFailed<G::Flags>> {
        let bytes = bytes::<T, A, G::Flags>(capacity)?;
        if bytes == 0 {
            return Ok(Self::new());
        }
        // SAFETY: By the contract of this function. `bytes` is at most `MAX_SIZE` and not 0.
        let ptr = unsafe { A::alloc_bytes(bytes, grant) };
        let ptr = NonNull::new(ptr).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New memory for that many elements, of which none is initialised.
        Ok(Self {
            ptr,
            capacity,
            len: 0,
            _allocator: PhantomData,
        })
    }

    /// For how many elements there is room.
    #[inline(always)]
    pub const fn capacity(&self) -> usize {
        if size_of::<T>() == 0 {
            usize::MAX
        } else {
            self.capacity
        }
    }

    /// How many elements there are.
    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Memory for `room` elements in the place of that for `capacity`, wraps `krealloc()`,
    /// `vrealloc()` or `kvrealloc()`.
    ///
    /// # Safety
    ///
    /// `memory` and `capacity` are those of a vector, which is left without memory unless this
    /// returns nothing. `room` is at least its length and not 0, and `T` has a size.
    unsafe fn reallocate<G: Grant<Flags: ForRealloc<A>>>(
        memory: NonNull<T>,
        capacity: usize,
        room: usize,
        grant: G,
    ) -> Option<NonNull<T>> {
        let bytes = bytes::<T, A, G::Flags>(room).ok()?;
        NonNull::new(if capacity == 0 {
            // SAFETY: The bounds ask for flags that `A` accepts. `bytes` is at most `MAX_SIZE`, and
            // not 0.
            unsafe { A::alloc_bytes(bytes, grant) }
        } else {
            // SAFETY: By the invariant of the vector it is memory of `A` that the vector owns. The
            // rest is as above.
            unsafe { A::realloc(memory.as_ptr(), bytes, grant) }
        })
    }

    /// Memory with room for `additional` elements more than there are, and for how many in all.
    ///
    /// By value and not by reference, so that a loop of pushes has the vector in registers.
    ///
    /// # Safety
    ///
    /// `memory`, `capacity` and `len` are those of a vector, which is left without memory unless this
    /// returns nothing.
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
            // There is room for `usize::MAX`.
            return None;
        }
        let needed = len.checked_add(additional)?;
        // Twice as much, unless that is more than there can be.
        let most = A::MAX_SIZE / size_of::<T>().max(1);
        let room = needed.max(most.min(capacity * 2));
        // SAFETY: By the contract of this function, and `room` is above the length.
        let memory = unsafe { Self::reallocate(memory, capacity, room, grant) }?;
        Some((memory, room))
    }

    /// Makes room for `additional` elements more than there are, of which there is not enough.
    #[inline(always)]
    pub(super) fn grow<G>(
        &mut self,
        grant: G,
        additional: usize,
    ) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        // SAFETY: They are those of this vector, which gets the new memory.
        let grown = unsafe { Self::grown(self.ptr, self.capacity, self.len, additional, grant) };
        // INVARIANT: Memory for that many elements, with those of the old memory, which is gone.
        (self.ptr, self.capacity) = grown.ok_or_else(G::Flags::failed)?;
        Ok(())
    }

    /// Makes room for at least `additional` elements more than there are, wraps `krealloc()`,
    /// `vrealloc()` or `kvrealloc()`. The memory may move.
    ///
    /// # Errors
    ///
    /// As [`Vec::with_capacity`]. The vector is then as it was.
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

    /// Gives back the room that is not used, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`. The
    /// memory may move.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory to move to. The vector is then as it was.
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
        // SAFETY: They are those of this vector, which gets the new memory and is not empty.
        let memory = unsafe { Self::reallocate(self.ptr, self.capacity, self.len, grant) };
        // INVARIANT: Memory for that many elements, with all of the old memory, which is gone.
        self.ptr = memory.ok_or_else(G::Flags::failed)?;
        self.capacity = self.len;
        Ok(())
    }
}

impl<T, A: Blocking> Vec<T, A> {
    /// As [`Vec::with_capacity`], without sleeping: see [`Box::new_nonblocking`].
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
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate(grant, capacity) }
    }
}
