// SPDX-License-Identifier: GPL-2.0

//! Traits of [`Vec`]: drop, `Deref`, conversions, iterators.

use super::*;
use crate::{
    alloc::allocator::Allocator,
    memory::boxed::Box, //
};
use core::{
    borrow::{
        Borrow,
        BorrowMut, //
    },
    fmt,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr,
    slice, //
};

impl<T, A: Allocator> Drop for Vec<T, A> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `Vec`: the elements are initialised. They are not used again.
        unsafe { ptr::drop_in_place(&raw mut **self) };
        if self.capacity != 0 {
            // SAFETY: Invariant of `Vec`: `ptr` is owned memory of `A`.
            unsafe { A::free(self.ptr.as_ptr().cast()) };
        }
    }
}

impl<T, A: Allocator> Deref for Vec<T, A> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: Invariant of `Vec`: `len` elements at `ptr` are initialised.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Allocator> DerefMut for Vec<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: Invariant of `Vec`: `len` elements at `ptr` are initialised. The vector is
        // borrowed exclusively.
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
    /// Converts without a copy. The vector has no spare capacity.
    #[inline]
    fn from(this: Box<[T], A>) -> Self {
        let len = this.len();
        // SAFETY: `this` is owned memory of `A` that holds `len` elements, or has no size.
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

/// Iterator over the elements of a vector, by value.
///
/// # Invariants
///
/// The length of `memory` is 0. Its elements from `next` to `end` are initialised.
pub struct IntoIter<T, A: Allocator> {
    memory: Vec<T, A>,
    next: usize,
    end: usize,
}

impl<T, A: Allocator> IntoIterator for Vec<T, A> {
    type Item = T;
    type IntoIter = IntoIter<T, A>;

    /// Removes the elements. Dropping the iterator drops the rest and frees the memory.
    fn into_iter(mut self) -> IntoIter<T, A> {
        // INVARIANT: `end` elements were initialised in the vector, whose length is 0 now.
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
        // SAFETY: Invariant of `IntoIter`: the element is initialised. It is not used in the memory
        // again.
        let value = unsafe { self.memory.ptr.add(self.next).read() };
        // INVARIANT: The elements after it are initialised.
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
        // SAFETY: Invariant of `IntoIter`: these elements are initialised. They are not used again.
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
