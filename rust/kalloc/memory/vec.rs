// SPDX-License-Identifier: GPL-2.0

//! [`Vec`]: a growable array in memory of kmalloc, vmalloc or kvmalloc.
//!
//! The page [Vectors](pages/vec.html) says more.
//!
//! | | grows by | use it for |
//! | --- | --- | --- |
//! | [`KVec`] | `krealloc()` | arrays up to about a page, in every context in which the allocators work |
//! | [`VVec`] | `vrealloc()` | arrays that are always large |
//! | [`KVVec`] | `kvrealloc()` | arrays that may be small or large |
//!
//! Functions that may allocate take a [grant](crate::gfp), and return the value if the allocation
//! fails. The others take no grant. Growing doubles the capacity, so `n` pushes move each element a
//! constant number of times on average.
//!
//! # Context
//!
//! A `KVec` grows in every context in which the allocators work. A `VVec` or a `KVVec` grows in
//! process context that may sleep, since `vrealloc()` and `kvrealloc()` free the old memory by
//! `vfree()`, whatever the flags. In other contexts [`Vec::push_within_capacity`] adds elements
//! within a capacity that was reserved earlier, or by [`Vec::with_capacity_nonblocking`].
//!
//! Dropping a vector takes no token and never sleeps, as for a [box](crate::boxed).

mod capacity;
mod elements;
mod every;

pub use every::IntoIter;

use crate::{
    alloc::allocator::Allocator,
    flags::gfp::{
        AllocFailedWith,
        Gfp, //
    },
    ground::allocator_types::{
        KVmalloc,
        Kmalloc,
        Vmalloc, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::error::{
    code::{
        EINVAL,
        ENOMEM, //
    },
    Error, //
};

/// A growable array in memory of the allocator `A`.
///
/// A driver uses the aliases [`KVec`], [`VVec`] and [`KVVec`]. Dereferences to a slice.
///
/// # Invariants
///
/// The first `len` elements at `ptr` are initialised, and `len` is at most the capacity. If `T` has
/// a size and `capacity` is not 0, `ptr` is owned memory of `A` for `capacity` elements. Otherwise
/// `ptr` is dangling and aligned, and `capacity` is 0.
pub struct Vec<T, A: Allocator> {
    ptr: NonNull<T>,
    capacity: usize,
    len: usize,
    _allocator: PhantomData<A>,
}

/// A vector of kmalloc memory.
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

/// A vector of vmalloc memory.
pub type VVec<T> = Vec<T, Vmalloc>;

/// A vector of kvmalloc memory: kmalloc while it is small, vmalloc when it is large.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn log(task: &TaskCx, log: &mut KVVec<u8>, line: &[u8]) -> Result {
///     Ok(log.extend_from_slice(task, line)?)
/// }
/// ```
pub type KVVec<T> = Vec<T, KVmalloc>;

// SAFETY: The vector owns the elements, and any thread may free the memory.
unsafe impl<T: Send, A: Allocator> Send for Vec<T, A> {}
// SAFETY: A shared vector gives only `&T`.
unsafe impl<T: Sync, A: Allocator> Sync for Vec<T, A> {}
// The elements stay at their addresses when the vector moves.
impl<T, A: Allocator> Unpin for Vec<T, A> {}

/// The error of [`Vec::insert`], with the value.
pub enum InsertError<F: Gfp, T> {
    /// The index is out of bounds. Converts to `EINVAL`.
    OutOfBounds(T),
    /// The allocation failed. Converts to `ENOMEM`.
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
