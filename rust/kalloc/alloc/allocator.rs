// SPDX-License-Identifier: GPL-2.0

//! [`Allocator`]: the trait of [`Kmalloc`], [`Vmalloc`] and [`KVmalloc`] that
//! [`Box`](crate::boxed::Box) and [`Vec`](crate::vec::Vec) are generic over.
//!
//! [`Kmalloc`]: crate::kmalloc::Kmalloc
//! [`Vmalloc`]: crate::vmalloc::Vmalloc
//! [`KVmalloc`]: crate::kvmalloc::KVmalloc

use crate::{
    flags::gfp::Gfp,
    ground::allocator_types::UntypedAllocator, //
};

pub(crate) mod private {
    use crate::contexts::grant::Grant;
    use kernel::ffi::c_void;

    /// The functions of an allocator. They do not check flags, context or size.
    ///
    /// A driver cannot name this trait, but can call its methods on every type parameter bounded by
    /// [`Allocator`](super::Allocator). So all methods are `unsafe`.
    ///
    /// Flags are *accepted* by `Self` where they are [`For<Self>`](crate::gfp::For) or
    /// [`ForRealloc<Self>`](crate::gfp::ForRealloc), or are
    /// [`ForNonblocking<Self>`](crate::gfp::ForNonblocking) in a context that is
    /// [`NotInterrupt`](crate::context::NotInterrupt).
    ///
    /// # Safety
    ///
    /// `alloc`, `alloc_bytes` and `realloc` return NULL, or new memory of the requested size. The
    /// memory is aligned for the type, zeroed if the flags say so, and valid until it is passed to
    /// `realloc`, `free` or `free_now`.
    pub unsafe trait Functions {
        /// The largest address that `realloc` and the frees do not access: what kmalloc returns for
        /// 0 bytes, and 0 for an allocator that cannot allocate 0 bytes.
        ///
        /// An empty slice at an address up to this one counts as memory of the allocator.
        const NOTHING: usize = 0;

        /// Allocates memory for a `T`.
        ///
        /// # Safety
        ///
        /// The flags of the grant are accepted by `Self`. `T` has a size, of at most
        /// [`MAX_SIZE`](super::Allocator::MAX_SIZE).
        #[inline(always)]
        unsafe fn alloc<T, G: Grant>(grant: G) -> *mut T {
            // SAFETY: `# Safety`: `Self` accepts the flags, and the size of `T` is not 0 and at
            // most `MAX_SIZE`.
            unsafe { Self::alloc_bytes(size_of::<T>(), grant) }
        }

        /// Allocates memory for several `T`, of `bytes` bytes in all.
        ///
        /// # Safety
        ///
        /// The flags of the grant are accepted by `Self`. `bytes` is at most
        /// [`MAX_SIZE`](super::Allocator::MAX_SIZE), and above 0 where `T` is aligned to more than
        /// [`NOTHING`](Functions::NOTHING).
        unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T;

        /// Allocates memory as `alloc_bytes` does, and moves the contents of `old` there as far as
        /// they fit.
        ///
        /// If the result is NULL, `old` is still allocated. Otherwise `old` is freed, or is the
        /// result.
        ///
        /// # Context
        ///
        /// May sleep, except kmalloc with flags that do not sleep.
        ///
        /// # Safety
        ///
        /// `old` is at most [`NOTHING`](Functions::NOTHING), or memory of this allocator for
        /// several `T` that the caller owns. The flags of the grant are
        /// [`ForRealloc<Self>`](crate::gfp::ForRealloc). `bytes` is as for `alloc_bytes`.
        unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T;

        /// Frees the memory without sleeping.
        ///
        /// # Safety
        ///
        /// `memory` is of this allocator and the caller owned it, or is at most
        /// [`NOTHING`](Functions::NOTHING). The code is not in an NMI handler.
        #[inline(always)]
        unsafe fn free(memory: *mut c_void) {
            // SAFETY: `# Safety`: `memory` is of this allocator, which is kmalloc or vmalloc
            // memory, and the code is not in an NMI handler.
            unsafe { crate::alloc::deferred_free::kvfree_atomic(memory) }
        }

        /// Frees the memory at once.
        ///
        /// # Context
        ///
        /// May sleep.
        ///
        /// # Safety
        ///
        /// `memory` is of this allocator and the caller owned it, or is at most
        /// [`NOTHING`](Functions::NOTHING). The code may sleep.
        unsafe fn free_now(memory: *mut c_void);
    }
}

/// An allocator of memory that has no type: [`Kmalloc`], [`Vmalloc`] or [`KVmalloc`].
///
/// [`Kmalloc`]: crate::kmalloc::Kmalloc
/// [`Vmalloc`]: crate::vmalloc::Vmalloc
/// [`KVmalloc`]: crate::kvmalloc::KVmalloc
pub trait Allocator: private::Functions + UntypedAllocator + Sized + 'static {
    /// The largest possible allocation, in bytes.
    const MAX_SIZE: usize;

    /// The largest allocation that `__GFP_NOFAIL` is guaranteed for, in bytes.
    const MAX_NOFAIL: usize;

    /// The kernel crate's type for the same allocator. The memory of both is interchangeable.
    type KernelAllocator: kernel::alloc::Allocator;

    #[doc(hidden)]
    const TOO_LARGE: &'static str;
    #[doc(hidden)]
    const TOO_LARGE_FOR_NOFAIL: &'static str;
}

/// Fails the build if a `T` is too large for `A`, or too large for `nofail` flags `F`.
pub(crate) const fn fits<T, A: Allocator, F: Gfp>() {
    assert!(size_of::<T>() <= A::MAX_SIZE, "{}", A::TOO_LARGE);
    assert!(
        !F::NOFAIL || size_of::<T>() <= A::MAX_NOFAIL,
        "{}",
        A::TOO_LARGE_FOR_NOFAIL
    );
}

/// Allocators that may sleep whatever the flags, except in functions whose names end in
/// `_nonblocking`: vmalloc and kvmalloc.
#[diagnostic::on_unimplemented(
    message = "`{Self}` needs no constructor that does not block",
    note = "a `KBox` is made with `new` and the like in every context"
)]
pub trait Blocking: Allocator {}
