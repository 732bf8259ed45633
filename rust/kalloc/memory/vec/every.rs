// SPDX-License-Identifier: GPL-2.0

//! What all vectors have.

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
    ptr::{
        self, //
    },
    slice, //
};

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
