// SPDX-License-Identifier: GPL-2.0

//! Size computations with overflow checks, and [`Flex`].
//!
//! C header: [`include/linux/overflow.h`](srctree/include/linux/overflow.h)
//!
//! C's helpers saturate at `SIZE_MAX`, which every allocator refuses. These functions return an
//! error. The allocating functions of kalloc compute their sizes in this way. These functions are
//! for sizes that go elsewhere, to a device or into a header.

use crate::{
    alloc::{
        deferred_free,
        kmalloc, //
    },
    contexts::grant::Grant,
    flags::{
        allocators::ForKmalloc,
        gfp::{
            AllocFailed,
            Gfp, //
        },
        properties::MayFail, //
    },
    memory::boxed::KBox, //
};
use core::{
    mem::offset_of,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::error::{
    code::EOVERFLOW,
    Error, //
};

/// A size that does not fit a `usize`. Converts to `EOVERFLOW`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl From<Overflow> for Error {
    fn from(_: Overflow) -> Self {
        EOVERFLOW
    }
}

/// The size of `n` elements of `size` bytes, wraps `array_size()`.
///
/// ```
/// use kalloc::size::{array_size, Overflow};
///
/// assert_eq!(array_size(3, 8), Ok(24));
/// assert_eq!(array_size(usize::MAX, 2), Err(Overflow));
/// ```
#[inline]
pub const fn array_size(n: usize, size: usize) -> Result<usize, Overflow> {
    match n.checked_mul(size) {
        Some(bytes) => Ok(bytes),
        None => Err(Overflow),
    }
}

/// The size of `a` by `b` elements of `size` bytes, wraps `array3_size()`.
///
/// ```
/// use kalloc::size::{array3_size, Overflow};
///
/// assert_eq!(array3_size(2, 3, 8), Ok(48));
/// assert_eq!(array3_size(usize::MAX / 2, 2, 8), Err(Overflow));
/// ```
#[inline]
pub const fn array3_size(a: usize, b: usize, size: usize) -> Result<usize, Overflow> {
    match array_size(a, b) {
        Ok(n) => array_size(n, size),
        Err(overflow) => Err(overflow),
    }
}

/// The size of a header `H` followed by `n` elements `T`, wraps `struct_size()`. This is the size
/// of a [`Flex<H, T>`].
///
/// ```
/// use kalloc::size::{struct_size, Overflow};
///
/// assert_eq!(struct_size::<u64, u16>(3), Ok(16));
/// assert_eq!(struct_size::<u64, u16>(usize::MAX / 2), Err(Overflow));
/// ```
#[inline]
pub const fn struct_size<H, T>(n: usize) -> Result<usize, Overflow> {
    let align = align_of::<Flex<H, [T; 0]>>();
    let Ok(items) = array_size(n, size_of::<T>()) else {
        return Err(Overflow);
    };
    let Some(bytes) = offset_of!(Flex<H, [T; 0]>, items).checked_add(items) else {
        return Err(Overflow);
    };
    // The size of a Rust value is a multiple of its alignment.
    match bytes.checked_next_multiple_of(align) {
        Some(bytes) => Ok(bytes),
        None => Err(Overflow),
    }
}

/// A struct with a flexible array member, in C `struct { H header; T items[]; }`.
///
/// ```
/// use kalloc::{prelude::*, size::Flex};
///
/// fn message(task: &TaskCx, len: usize) -> Result<KBox<Flex<u32, [u8]>>> {
///     let mut message = Flex::new(task, 7u32, len, |_| 0u8)?;
///     message.items[0] = 1;
///     Ok(message)
/// }
/// ```
#[derive(Debug)]
#[repr(C)]
pub struct Flex<H, I: ?Sized> {
    /// The header.
    pub header: H,
    /// The flexible array.
    pub items: I,
}

impl<H, T> Flex<H, [T]> {
    /// A header and `len` elements. `f` makes each element from its index. Wraps
    /// `kmalloc(struct_size(…))`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails, and for more than [`kmalloc::MAX_SIZE`] bytes.
    #[doc(alias("kmalloc_flex", "kvmalloc_flex", "kzalloc_flex", "kvzalloc_flex"))]
    pub fn new<G>(
        grant: G,
        header: H,
        len: usize,
        mut f: impl FnMut(usize) -> T,
    ) -> Result<KBox<Self>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKmalloc + MayFail>,
    {
        let memory: NonNull<Flex<H, [T; 0]>> = match struct_size::<H, T>(len) {
            Ok(0) => NonNull::dangling(),
            Ok(bytes @ ..=kmalloc::MAX_SIZE) => {
                // SAFETY: The bounds ask for flags that kmalloc accepts. The size is at most
                // `MAX_SIZE`: `deferred_size` enlarges it only up to a pointer.
                let memory = unsafe {
                    kmalloc::alloc_bytes(deferred_free::deferred_size::<H>(bytes), grant)
                };
                NonNull::new(memory.cast()).ok_or_else(G::Flags::failed)?
            }
            _ => return Err(G::Flags::failed()),
        };
        let raw = ptr::slice_from_raw_parts_mut(memory.as_ptr(), len) as *mut Self;
        // SAFETY: The memory is valid for writes of a header and `len` elements. It is aligned,
        // since its size is a multiple of the alignment.
        unsafe {
            (&raw mut (*raw).header).write(header);
            let items = (&raw mut (*raw).items).cast::<T>();
            for index in 0..len {
                items.add(index).write(f(index));
            }
        }
        // SAFETY: Memory of kmalloc, unless it has no size. All of it was initialised above.
        Ok(unsafe { KBox::from_raw(raw) })
    }
}
