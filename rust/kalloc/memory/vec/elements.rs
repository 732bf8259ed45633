// SPDX-License-Identifier: GPL-2.0

//! The elements of a [`Vec`]: adding, removing, conversion to and from raw parts.

use super::*;
use crate::{
    alloc::allocator::Allocator,
    contexts::grant::Grant,
    flags::{
        allocators::ForRealloc,
        gfp::{
            AllocFailed,
            AllocFailedWith, //
        },
    },
    memory::boxed::Box, //
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
    slice, //
};

impl<T, A: Allocator> Vec<T, A> {
    /// Appends `value` if the capacity allows.
    ///
    /// # Errors
    ///
    /// `value`, if the vector is full.
    #[inline]
    pub fn push_within_capacity(&mut self, value: T) -> Result<(), T> {
        if self.len == self.capacity() {
            return Err(value);
        }
        // SAFETY: The capacity was checked above.
        unsafe { self.push_unchecked(value) };
        Ok(())
    }

    /// Appends `value`.
    ///
    /// # Safety
    ///
    /// The capacity is above the length.
    #[inline(always)]
    unsafe fn push_unchecked(&mut self, value: T) {
        // SAFETY: `# Safety`: the element at `len` is within the capacity.
        unsafe { self.ptr.add(self.len).write(value) };
        // INVARIANT: The element at `len` is initialised and within the capacity.
        self.len += 1;
    }

    /// Appends `value`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the allocation fails, as [`Vec::reserve`].
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// /// Keeps what does not fit in the caller's hands.
    /// fn add(cx: &AtomicCx<'_>, list: &mut KVec<KBox<u32>>, item: KBox<u32>) -> Option<KBox<u32>> {
    ///     list.push(cx, item).err().map(|failed| failed.value)
    /// }
    /// ```
    #[inline]
    pub fn push<G>(&mut self, grant: G, value: T) -> Result<(), AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        if self.len == self.capacity() {
            if let Err(failed) = self.grow(grant, 1) {
                return Err(AllocFailedWith::new(failed, value));
            }
        }
        // SAFETY: The capacity is above the length: it was checked, or increased by `grow`.
        unsafe { self.push_unchecked(value) };
        Ok(())
    }

    /// Inserts `value` at `index` and moves the elements from `index` on up by one.
    ///
    /// # Errors
    ///
    /// [`InsertError`] with the value if `index` is above the length, or if the allocation fails,
    /// as [`Vec::reserve`].
    pub fn insert<G>(
        &mut self,
        grant: G,
        index: usize,
        value: T,
    ) -> Result<(), InsertError<G::Flags, T>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        if index > self.len {
            return Err(InsertError::OutOfBounds(value));
        }
        if let Err(failed) = self.reserve(grant, 1) {
            return Err(InsertError::AllocFailed(AllocFailedWith::new(
                failed, value,
            )));
        }
        // SAFETY: `index` is at most the length.
        let place = unsafe { self.ptr.add(index) };
        // SAFETY: `reserve` made the capacity larger than the length.
        unsafe { ptr::copy(place.as_ptr(), place.as_ptr().add(1), self.len - index) };
        // SAFETY: As above. The element at `index` was moved.
        unsafe { place.write(value) };
        // INVARIANT: One more element is initialised, within the capacity.
        self.len += 1;
        Ok(())
    }

    /// Appends a clone of each element of `slice`.
    ///
    /// # Errors
    ///
    /// As [`Vec::reserve`].
    pub fn extend_from_slice<G>(
        &mut self,
        grant: G,
        slice: &[T],
    ) -> Result<(), AllocFailed<G::Flags>>
    where
        T: Clone,
        G: Grant<Flags: ForRealloc<A>>,
    {
        self.reserve(grant, slice.len())?;
        for (place, value) in self.spare().iter_mut().zip(slice) {
            place.write(value.clone());
        }
        // INVARIANT: `reserve` made the capacity sufficient, and each element was initialised.
        self.len += slice.len();
        Ok(())
    }

    /// The spare capacity. The compiler makes a `memcpy()` or `memset()` of a loop over it, but not
    /// of a loop that increments the length.
    #[inline(always)]
    fn spare(&mut self) -> &mut [MaybeUninit<T>] {
        // SAFETY: Invariant of `Vec`: the length is at most the capacity.
        let first = unsafe { self.ptr.add(self.len) };
        // SAFETY: Invariant of `Vec`: memory for `capacity()` elements. A `MaybeUninit` needs no
        // initialisation. The memory is borrowed exclusively with the vector.
        unsafe { slice::from_raw_parts_mut(first.cast().as_ptr(), self.capacity() - self.len) }
    }

    /// Resizes the vector to `len` elements. Drops the elements from `len` on, or appends clones of
    /// `value`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the allocation fails, as [`Vec::reserve`].
    pub fn resize<G>(
        &mut self,
        grant: G,
        len: usize,
        value: T,
    ) -> Result<(), AllocFailedWith<G::Flags, T>>
    where
        T: Clone,
        G: Grant<Flags: ForRealloc<A>>,
    {
        self.truncate(len);
        let missing = len - self.len;
        if let Err(failed) = self.reserve(grant, missing) {
            return Err(AllocFailedWith::new(failed, value));
        }
        if let Some((last, others)) = self.spare()[..missing].split_last_mut() {
            for place in others {
                place.write(value.clone());
            }
            last.write(value);
            // INVARIANT: `reserve` made the capacity sufficient, and each element was initialised.
            self.len += missing;
        }
        Ok(())
    }

    /// A vector of `len` clones of `value`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value, as [`Vec::with_capacity`].
    pub fn from_elem<G>(
        grant: G,
        value: T,
        len: usize,
    ) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        T: Clone,
        G: Grant<Flags: ForRealloc<A>>,
    {
        let mut this = Self::new();
        this.resize(grant, len, value)?;
        Ok(this)
    }

    /// Drops the elements from `len` on. Keeps the capacity.
    pub fn truncate(&mut self, len: usize) {
        let Some(surplus) = self.len.checked_sub(len) else {
            return;
        };
        // INVARIANT: The first `len` elements are initialised.
        self.len = len;
        // SAFETY: `len` is at most the length.
        let first = unsafe { self.ptr.add(len) };
        // SAFETY: Invariant of `Vec`: these elements are initialised. They are not used again.
        unsafe { NonNull::slice_from_raw_parts(first, surplus).drop_in_place() };
    }

    /// Drops all elements. Keeps the capacity.
    #[inline]
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Removes the last element and returns it.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        // INVARIANT: The elements before the last one are initialised.
        self.len = self.len.checked_sub(1)?;
        // SAFETY: Invariant of `Vec`: the element is initialised. It is not used in the memory
        // again.
        Some(unsafe { self.ptr.add(self.len).read() })
    }

    /// Removes the element `index`, if there is one, and moves the elements after it down by one.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.len {
            return None;
        }
        // INVARIANT: After the move below, one element less is initialised.
        self.len -= 1;
        // SAFETY: `index` is below the old length.
        let place = unsafe { self.ptr.add(index) };
        // SAFETY: Invariant of `Vec`: the element is initialised. It is not used in the memory
        // again.
        let value = unsafe { place.read() };
        // SAFETY: The elements after `index` are initialised. They are not used at their old
        // addresses again.
        unsafe { ptr::copy(place.as_ptr().add(1), place.as_ptr(), self.len - index) };
        Some(value)
    }

    /// Keeps the elements for which `keep` returns true, in order, and drops the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        // INVARIANT: The length is 0 while elements move, in case `keep` panics.
        let len = core::mem::replace(&mut self.len, 0);
        let mut kept = 0;
        for index in 0..len {
            // SAFETY: `index` is below the old length.
            let element = unsafe { self.ptr.add(index) };
            // SAFETY: Invariant of `Vec`: the element is initialised. Only elements before it were
            // moved or dropped.
            if keep(unsafe { &mut *element.as_ptr() }) {
                // SAFETY: `kept` is at most `index`. The element at `kept` was moved or dropped, or
                // is this one.
                unsafe { ptr::copy(element.as_ptr(), self.ptr.as_ptr().add(kept), 1) };
                kept += 1;
            } else {
                // SAFETY: The element is initialised and not used again.
                unsafe { element.drop_in_place() };
            }
        }
        // INVARIANT: The first `kept` elements are initialised.
        self.len = kept;
    }

    /// Converts to a box without a copy. The box keeps the spare capacity until it is freed.
    #[inline]
    pub fn into_boxed_slice(self) -> Box<[T], A> {
        if self.len == 0 {
            return Box::empty();
        }
        let (elements, len, _) = self.into_raw_parts();
        // SAFETY: `elements` is owned memory of `A` that holds `len` elements.
        unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(elements, len)) }
    }

    /// The pointer, the length and the capacity, for [`Vec::from_raw_parts`].
    #[inline]
    pub fn into_raw_parts(self) -> (*mut T, usize, usize) {
        let this = ManuallyDrop::new(self);
        (this.ptr.as_ptr(), this.len, this.capacity())
    }

    /// Takes ownership of the memory of a vector.
    ///
    /// # Safety
    ///
    /// `elements` is aligned for a `T`. `len` elements are initialised, and `len` is at most
    /// `capacity`. If `T` has a size and `capacity` is not 0, `elements` is memory of `A` for
    /// `capacity` elements, at most `isize::MAX` bytes, without another owner.
    #[inline]
    pub unsafe fn from_raw_parts(elements: *mut T, len: usize, capacity: usize) -> Self {
        // INVARIANT: `# Safety`: `elements`, `len` and `capacity` are those of a vector.
        Self {
            // SAFETY: `# Safety`: `elements` is aligned for a `T`, so it is not NULL.
            ptr: unsafe { NonNull::new_unchecked(elements) },
            capacity: if size_of::<T>() == 0 { 0 } else { capacity },
            len,
            _allocator: PhantomData,
        }
    }
}
