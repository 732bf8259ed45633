// SPDX-License-Identifier: GPL-2.0

//! [`Vec`]: an array that grows, over kmalloc, vmalloc or kvmalloc.
//!
//! | | grows by | use it for |
//! | --- | --- | --- |
//! | [`KVec`] | `krealloc()` | up to about a page, and in every context in which the allocators work |
//! | [`VVec`] | `vrealloc()` | many elements, always |
//! | [`KVVec`] | `kvrealloc()` | few elements or many |
//!
//! What may need more memory takes a [grant](crate::gfp), and gives the value back where there is
//! none. The rest takes no grant. Growing doubles the room, so that `n` pushes move each element a
//! constant number of times on average.
//!
//! # Contexts
//!
//! A `KVec` grows in every context in which the allocators work. A `VVec` or a `KVVec` grows where
//! the code may sleep, because `vrealloc()` and `kvrealloc()` free the old memory by `vfree()`,
//! whatever the flags. Elsewhere it is filled within the room that it has, by
//! [`Vec::push_within_capacity`], which was made before, or by [`Vec::with_capacity_nonblocking`].
//!
//! A drop takes no token and never sleeps, as for a [box](crate::boxed).

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
            AllocFailedWith,
            Gfp, //
        },
        matrix::{
            ForNonblocking,
            ForRealloc, //
        },
    },
    ground::allocators::{
        KVmalloc,
        Kmalloc,
        Vmalloc, //
    },
    memory::boxed::{
        bytes,
        Box, //
    },
};
use core::{
    borrow::{
        Borrow,
        BorrowMut, //
    },
    fmt,
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::{
        self,
        NonNull, //
    },
    slice, //
};
use kernel::error::{
    code::{
        EINVAL,
        ENOMEM, //
    },
    Error, //
};

/// An array that grows, in memory of the allocator `A`.
///
/// [`KVec`], [`VVec`] and [`KVVec`] are what a driver names. It is a slice, by `Deref`.
///
/// # Invariants
///
/// The first `len` elements at `ptr` are initialised, and `len` is at most the capacity. Where `T`
/// has a size and `capacity` is not 0, `ptr` is memory of `A` for that many elements, which the
/// vector owns; else `ptr` is dangling, but aligned, and `capacity` is 0.
pub struct Vec<T, A: Allocator> {
    ptr: NonNull<T>,
    capacity: usize,
    len: usize,
    _allocator: PhantomData<A>,
}

/// A vector of kmalloc.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn squares(cx: &AtomicCx<'_>) -> Result<KVec<u32>> {
///     let mut squares = KVec::new();
///     for i in 0..10 {
///         squares.push(cx, i * i)?;
///     }
///     Ok(squares)
/// }
/// ```
pub type KVec<T> = Vec<T, Kmalloc>;

/// A vector of vmalloc.
pub type VVec<T> = Vec<T, Vmalloc>;

/// A vector of kvmalloc: of kmalloc while it is small, and of vmalloc when it is large.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn log(task: &TaskCx, log: &mut KVVec<u8>, line: &[u8]) -> Result {
///     Ok(log.extend_from_slice(task, line)?)
/// }
/// ```
pub type KVVec<T> = Vec<T, KVmalloc>;

// SAFETY: The vector owns the elements, and memory may be freed on another thread.
unsafe impl<T: Send, A: Allocator> Send for Vec<T, A> {}
// SAFETY: A shared vector gives no more than `&T`.
unsafe impl<T: Sync, A: Allocator> Sync for Vec<T, A> {}
// The elements do not move with the vector.
impl<T, A: Allocator> Unpin for Vec<T, A> {}

/// Why [`Vec::insert`] did not insert the value, which it gives back.
pub enum InsertError<F: Gfp, T> {
    /// There is no such place. Turns into `EINVAL`.
    OutOfBounds(T),
    /// There is no memory. Turns into `ENOMEM`.
    AllocFailed(AllocFailedWith<F, T>),
}

impl<F: Gfp, T> InsertError<F, T> {
    /// The value that was not inserted.
    pub fn into_value(self) -> T {
        match self {
            Self::OutOfBounds(value) => value,
            Self::AllocFailed(failed) => failed.value,
        }
    }
}

impl<F: Gfp, T> fmt::Debug for InsertError<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds(_) => f.write_str("OutOfBounds"),
            Self::AllocFailed(failed) => failed.fmt(f),
        }
    }
}

impl<F: Gfp, T> From<InsertError<F, T>> for Error {
    fn from(error: InsertError<F, T>) -> Self {
        match error {
            InsertError::OutOfBounds(_) => EINVAL,
            InsertError::AllocFailed(_) => ENOMEM,
        }
    }
}

// Room -----------------------------------------------------------------------------------------------------------------

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
    unsafe fn allocate<G: Grant>(grant: G, capacity: usize) -> Result<Self, AllocFailed<G::Flags>> {
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
    fn grow<G>(&mut self, grant: G, additional: usize) -> Result<(), AllocFailed<G::Flags>>
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

// Elements -------------------------------------------------------------------------------------------------------------

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

// Every vector ---------------------------------------------------------------------------------------------------------

impl<T, A: Allocator> Drop for Vec<T, A> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant; the elements are not used again.
        unsafe { ptr::drop_in_place(&raw mut **self) };
        if self.capacity != 0 {
            // SAFETY: By the invariant it is memory of `A`, which was ours.
            unsafe { A::free(self.ptr.as_ptr().cast()) };
        }
    }
}

impl<T, A: Allocator> Deref for Vec<T, A> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: By the invariant.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Allocator> DerefMut for Vec<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: By the invariant, and the vector is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Allocator> Default for Vec<T, A> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<T, A: Allocator> Borrow<[T]> for Vec<T, A> {
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T, A: Allocator> BorrowMut<[T]> for Vec<T, A> {
    fn borrow_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T: PartialEq, A: Allocator, B: Borrow<[T]>> PartialEq<B> for Vec<T, A> {
    fn eq(&self, other: &B) -> bool {
        **self == *other.borrow()
    }
}

impl<T: fmt::Debug, A: Allocator> fmt::Debug for Vec<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T, A: Allocator> From<Box<[T], A>> for Vec<T, A> {
    /// A vector with no room to spare, in the memory of the box.
    #[inline]
    fn from(this: Box<[T], A>) -> Self {
        let len = this.len();
        // SAFETY: The memory is of `A`, holds `len` elements, and is ours to give; or it has no
        // size.
        unsafe { Self::from_raw_parts(this.into_raw().cast(), len, len) }
    }
}

impl<T, A: Allocator> From<Vec<T, A>> for Box<[T], A> {
    #[inline]
    fn from(this: Vec<T, A>) -> Self {
        this.into_boxed_slice()
    }
}

impl<'a, T, A: Allocator> IntoIterator for &'a Vec<T, A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T, A: Allocator> IntoIterator for &'a mut Vec<T, A> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// The elements of a vector, one after the other.
///
/// # Invariants
///
/// The vector has a length of 0. The elements in its memory from `next` to `end` are initialised.
pub struct IntoIter<T, A: Allocator> {
    memory: Vec<T, A>,
    next: usize,
    end: usize,
}

impl<T, A: Allocator> IntoIterator for Vec<T, A> {
    type Item = T;
    type IntoIter = IntoIter<T, A>;

    /// Takes the elements out, and frees the memory when the iterator is dropped.
    fn into_iter(mut self) -> IntoIter<T, A> {
        // INVARIANT: These elements were those of the vector, which has none from here on.
        let end = core::mem::replace(&mut self.len, 0);
        IntoIter {
            memory: self,
            next: 0,
            end,
        }
    }
}

impl<T, A: Allocator> Iterator for IntoIter<T, A> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.next == self.end {
            return None;
        }
        // SAFETY: By the invariant it is initialised, and is not used in its place again.
        let value = unsafe { self.memory.ptr.add(self.next).read() };
        // INVARIANT: That was one less.
        self.next += 1;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }
}

impl<T, A: Allocator> ExactSizeIterator for IntoIter<T, A> {}

impl<T, A: Allocator> Drop for IntoIter<T, A> {
    fn drop(&mut self) {
        let left = ptr::slice_from_raw_parts_mut(
            // SAFETY: `next` is within the memory, or at its end.
            unsafe { self.memory.ptr.add(self.next) }.as_ptr(),
            self.end - self.next,
        );
        // SAFETY: By the invariant they are initialised; they are not used again.
        unsafe { ptr::drop_in_place(left) };
    }
}

impl<T: fmt::Debug, A: Allocator> fmt::Debug for IntoIter<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter")
            .field("left", &(self.end - self.next))
            .finish()
    }
}
