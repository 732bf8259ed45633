// SPDX-License-Identifier: GPL-2.0

//! What [`Box`](crate::boxed::Box) and [`Vec`](crate::vec::Vec) ask of the allocator that they are
//! generic over: [`Kmalloc`], [`Vmalloc`] or [`KVmalloc`].
//!
//! [`Kmalloc`]: crate::kmalloc::Kmalloc
//! [`Vmalloc`]: crate::vmalloc::Vmalloc
//! [`KVmalloc`]: crate::kvmalloc::KVmalloc

use crate::ground::allocators::UntypedAllocator;

pub(crate) mod private {
    use crate::contexts::grant::Grant;
    use kernel::ffi::c_void;

    /// The functions of an allocator. They check nothing: no flags, no context and no size.
    ///
    /// A driver cannot name this trait, but its methods are those of every type parameter that is an
    /// [`Allocator`](super::Allocator). So all of them are `unsafe`.
    ///
    /// Flags are *accepted* by `Self` where they are [`For<Self>`](crate::gfp::For) or
    /// [`ForRealloc<Self>`](crate::gfp::ForRealloc), or are
    /// [`ForNonblocking<Self>`](crate::gfp::ForNonblocking) in a context that is
    /// [`NotInterrupt`](crate::context::NotInterrupt).
    ///
    /// # Safety
    ///
    /// What `alloc` and the others return is NULL, or new memory for as many bytes as were asked
    /// for, aligned for the type, zeroed where the flags say so, and valid until it goes to
    /// `realloc`, `free` or `free_now`.
    pub unsafe trait Functions {
        /// Up to which address there is no memory that `realloc` and the frees would look at: what
        /// kmalloc gives for 0 bytes, and 0 for an allocator that does not know such a call.
        ///
        /// An empty slice at an address up to this one is memory as every other.
        const NOTHING: usize = 0;

        /// Memory for a `T`.
        ///
        /// # Safety
        ///
        /// The flags of the grant are accepted by `Self`. `T` has a size, of at most
        /// [`MAX_SIZE`](super::Allocator::MAX_SIZE).
        #[inline(always)]
        unsafe fn alloc<T, G: Grant>(grant: G) -> *mut T {
            // SAFETY: By the contract of this function; the size is not 0.
            unsafe { Self::alloc_bytes(size_of::<T>(), grant) }
        }

        /// Memory for several `T` of `bytes` bytes in all.
        ///
        /// # Safety
        ///
        /// The flags of the grant are accepted by `Self`. `bytes` is at most
        /// [`MAX_SIZE`](super::Allocator::MAX_SIZE), and above 0 where `T` is aligned to more than
        /// [`NOTHING`](Functions::NOTHING).
        unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T;

        /// Memory for several `T` of `bytes` bytes in all, as of `alloc_bytes`, with the contents of
        /// `old` as far as they fit.
        ///
        /// Where it returns NULL `old` is still allocated, and else it is freed or is what is
        /// returned. May sleep, but for kmalloc with flags that do not.
        ///
        /// # Safety
        ///
        /// `old` is at most [`NOTHING`](Functions::NOTHING), or memory of this allocator for several
        /// `T` that the caller owns. The flags of the grant are
        /// [`ForRealloc<Self>`](crate::gfp::ForRealloc). `bytes` is as for `alloc_bytes`.
        unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T;

        /// Frees the memory without sleeping.
        ///
        /// # Safety
        ///
        /// `memory` is of this allocator and the caller owned it, or is at most
        /// [`NOTHING`](Functions::NOTHING). The code is not in an NMI.
        #[inline(always)]
        unsafe fn free(memory: *mut c_void) {
            // SAFETY: By the contract of this function it is memory of kmalloc or vmalloc, which
            // all allocators give, outside NMI.
            unsafe { crate::alloc::deferred_free::kvfree_atomic(memory) }
        }

        /// Frees the memory at once, for which it may sleep.
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
    /// The largest allocation that there can be, in bytes.
    const MAX_SIZE: usize;

    /// The largest allocation for which the kernel keeps the promise of `__GFP_NOFAIL`, in bytes.
    const MAX_NOFAIL: usize;

    /// The kernel crate's name of this allocator, whose memory is the same.
    type KernelAllocator: kernel::alloc::Allocator;

    #[doc(hidden)]
    const TOO_LARGE: &'static str;
    #[doc(hidden)]
    const TOO_LARGE_FOR_NOFAIL: &'static str;
}

/// Allocators that may sleep whatever the flags, but in the calls that are said not to: vmalloc and
/// kvmalloc.
#[diagnostic::on_unimplemented(
    message = "`{Self}` needs no constructor that does not block",
    note = "a `KBox` is made with `new` and the like in every context"
)]
pub trait Blocking: Allocator {}
