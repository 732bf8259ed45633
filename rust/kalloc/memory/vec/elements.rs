// SPDX-License-Identifier: GPL-2.0

//! Adding and removing elements.

use super::*;
use crate::{
    alloc::allocator::Allocator,
    contexts::grant::Grant,
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith, //
        },
        matrix::ForRealloc, //
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
    /// Adds `value` at the end where there is room for it already.
    ///
    /// # Errors
    ///
    /// `value`, where there is none.
    #[inline]
    pub fn push_within_capacity(&mut self, value: T) -> Result<(), T> {
        if self.len == self.capacity() {
            return Err(value);
        }
        // SAFETY: There is room, as was just seen.
        unsafe { self.push_unchecked(value) };
        Ok(())
    }

    /// # Safety
    ///
    /// The capacity is above the length.
    #[inline(always)]
    unsafe fn push_unchecked(&mut self, value: T) {
        // SAFETY: By the contract of this function the place is within the memory.
        unsafe { self.ptr.add(self.len).write(value) };
        // INVARIANT: One more element is initialised, and there was room for it.
        self.len += 1;
    }

    /// Adds `value` at the end.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory: as [`Vec::reserve`].
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
        // SAFETY: There is room, or has just been made.
        unsafe { self.push_unchecked(value) };
        Ok(())
    }

    /// Puts `value` in the place `index` and moves those from there on one up.
    ///
    /// # Errors
    ///
    /// [`InsertError`] with the value where `index` is above the length, and where there is no
    /// memory: as [`Vec::reserve`].
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
        // SAFETY: There is room for one more element than there are.
        unsafe { ptr::copy(place.as_ptr(), place.as_ptr().add(1), self.len - index) };
        // SAFETY: As above; what was there has moved on.
        unsafe { place.write(value) };
        // INVARIANT: One more element is initialised, and there was room for it.
        self.len += 1;
        Ok(())
    }

    /// Adds a clone of each element of `slice` at the end.
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
        // INVARIANT: There was room for all of them, and each was initialised.
        self.len += slice.len();
        Ok(())
    }

    /// The places behind the elements, for which there is room. A loop over them that does not count
    /// the elements one by one is what the compiler makes a `memcpy()` or `memset()` of.
    #[inline(always)]
    fn spare(&mut self) -> &mut [MaybeUninit<T>] {
        // SAFETY: The length is at most the capacity.
        let first = unsafe { self.ptr.add(self.len) };
        // SAFETY: By the invariant it is memory for that many elements, and a `MaybeUninit` is always
        // initialised. It is borrowed exclusively with the vector.
        unsafe { slice::from_raw_parts_mut(first.cast().as_ptr(), self.capacity() - self.len) }
    }

    /// Makes the vector `len` elements long: drops what is too much, fills up with `value`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory: as [`Vec::reserve`].
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
            // INVARIANT: There was room for all of them, and each was initialised.
            self.len += missing;
        }
        Ok(())
    }

    /// `len` times `value`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value: as [`Vec::with_capacity`].
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

    /// Drops the elements from `len` on. The room stays.
    pub fn truncate(&mut self, len: usize) {
        let Some(surplus) = self.len.checked_sub(len) else {
            return;
        };
        // INVARIANT: Fewer elements are in use than are initialised.
        self.len = len;
        // SAFETY: `len` is at most the length.
        let first = unsafe { self.ptr.add(len) };
        // SAFETY: By the invariant they are initialised, and are not used again.
        unsafe { NonNull::slice_from_raw_parts(first, surplus).drop_in_place() };
    }

    /// Drops all elements. The room stays.
    #[inline]
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Takes the last element out.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        // INVARIANT: Fewer elements are in use than are initialised.
        self.len = self.len.checked_sub(1)?;
        // SAFETY: By the invariant it is initialised, and is not used in its place again.
        Some(unsafe { self.ptr.add(self.len).read() })
    }

    /// Takes the element `index` out, where there is one, and moves those behind it one down.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.len {
            return None;
        }
        // INVARIANT: Fewer elements are in use than are initialised.
        self.len -= 1;
        // SAFETY: `index` is below what was the length.
        let place = unsafe { self.ptr.add(index) };
        // SAFETY: By the invariant it is initialised, and is not used in its place again.
        let value = unsafe { place.read() };
        // SAFETY: Those behind it are initialised, and are not used in their old places again.
        unsafe { ptr::copy(place.as_ptr().add(1), place.as_ptr(), self.len - index) };
        Some(value)
    }

    /// Keeps the elements of which `keep` is true, in their order, and drops the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        // INVARIANT: None is in use while they move.
        let len = core::mem::replace(&mut self.len, 0);
        let mut kept = 0;
        for index in 0..len {
            // SAFETY: `index` is below what was the length.
            let element = unsafe { self.ptr.add(index) };
            // SAFETY: By the invariant it is initialised. What moved is before it, and what was
            // dropped, too.
            if keep(unsafe { &mut *element.as_ptr() }) {
                // SAFETY: `kept` is at most `index`. What was there has moved or was dropped, or is
                // this element.
                unsafe { ptr::copy(element.as_ptr(), self.ptr.as_ptr().add(kept), 1) };
                kept += 1;
            } else {
                // SAFETY: It is initialised, and not used again.
                unsafe { element.drop_in_place() };
            }
        }
        // INVARIANT: So many have moved to the beginning.
        self.len = kept;
    }

    /// The elements in their memory, as a box. What room there was to spare stays with them until
    /// they are freed.
    #[inline]
    pub fn into_boxed_slice(self) -> Box<[T], A> {
        if self.len == 0 {
            return Box::empty();
        }
        let (elements, len, _) = self.into_raw_parts();
        // SAFETY: The memory is of `A`, holds `len` elements, and is ours to give.
        unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(elements, len)) }
    }

    /// The elements, the length and the capacity, for [`Vec::from_raw_parts`].
    #[inline]
    pub fn into_raw_parts(self) -> (*mut T, usize, usize) {
        let this = ManuallyDrop::new(self);
        (this.ptr.as_ptr(), this.len, this.capacity())
    }

    /// Takes over the memory of a vector.
    ///
    /// # Safety
    ///
    /// `elements` is aligned for a `T`, `len` of them are initialised, and `len` is at most
    /// `capacity`. Where `T` has a size and `capacity` is not 0 it is memory of `A` for that many
    /// elements, at most `isize::MAX` bytes, which nobody else owns from here on.
    #[inline]
    pub unsafe fn from_raw_parts(elements: *mut T, len: usize, capacity: usize) -> Self {
        // INVARIANT: By the contract of this function.
        Self {
            // SAFETY: Aligned pointers to a `T` are not NULL.
            ptr: unsafe { NonNull::new_unchecked(elements) },
            capacity: if size_of::<T>() == 0 { 0 } else { capacity },
            len,
            _allocator: PhantomData,
        }
    }
}
