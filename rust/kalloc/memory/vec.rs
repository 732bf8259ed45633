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
    ground::allocators::{
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
