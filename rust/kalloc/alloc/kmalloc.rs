// SPDX-License-Identifier: GPL-2.0

//! The calls that C's kmalloc macros make.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! With a size that is known at build time `kmalloc()` is not one call but a choice that the
//! compiler makes: of the cache, by size and flags, or of the page allocator above
//! `KMALLOC_MAX_CACHE_SIZE`. The size and the flags are types here, so the same choice is made at
//! build time and a call is what it is in C, instruction for instruction: see
//! `rust/bindings/calls.rs`, which knows what C's names are on this kernel.

#[doc(inline)]
pub use crate::ground::allocators::Kmalloc;

use crate::{
    alloc::{
        allocator::{
            private::Functions,
            Allocator, //
        },
        deferred_free, //
    },
    contexts::grant::Grant,
    flags::gfp::Gfp, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        gfp_t, //
    },
    ffi::c_void,
    page::PAGE_SIZE, //
};

/// The largest allocation, `KMALLOC_MAX_SIZE` in bytes.
///
/// From here on the page allocator would be asked for more than an order of `MAX_PAGE_ORDER`.
pub const MAX_SIZE: usize = KALLOC_CONST_KMALLOC_MAX_SIZE;

/// The alignment that every allocation has, `ARCH_KMALLOC_MINALIGN` in bytes.
///
/// A size has at least the alignment of its largest power-of-two divisor as well, so a Rust type is
/// always aligned.
pub const MIN_ALIGN: usize = bindings::ARCH_KMALLOC_MINALIGN;

/// The size and the flags of a kmalloc for a `T`.
struct KmallocOf<T, F>(PhantomData<(T, F)>);

impl<T, F: Gfp> calls::Constant for KmallocOf<T, F> {
    const SIZE: usize = deferred_free::deferred_size::<T>(size_of::<T>());
    const FLAGS: gfp_t = F::BITS;
}

/// Wraps `kmalloc(size_of::<T>(), F)`, or `kmalloc_node()` where the grant asks for a node.
///
/// Returns NULL where there is no memory. The pointer is aligned for `T`.
///
/// # Safety
///
/// kmalloc accepts the flags of the grant. `T` has a size, of at most [`MAX_SIZE`].
#[inline(always)]
pub(crate) unsafe fn alloc<T, G: Grant>(grant: G) -> *mut T {
    if !G::Flags::permitted() {
        return ptr::null_mut();
    }
    let nid = if G::ON_NODE { Some(grant.nid()) } else { None };
    // SAFETY: The flags are legal in this context, which is what the grant says, and kmalloc accepts
    // them, by the contract of this function. `nid` is that of a node that is or was online. The size
    // is at most `MAX_SIZE`.
    unsafe { calls::kmalloc_constant::<KmallocOf<T, G::Flags>>(nid) }.cast()
}

/// Wraps `kmalloc(size, F)`, or `kmalloc_node()` where the grant asks for a node, for a size in
/// bytes.
///
/// Returns NULL where there is no memory, and `ZERO_SIZE_PTR` for 0 bytes.
///
/// # Safety
///
/// kmalloc accepts the flags of the grant. `size` is at most [`MAX_SIZE`], beyond which the kernel
/// warns.
#[inline(always)]
pub(crate) unsafe fn alloc_bytes<G: Grant>(size: usize, grant: G) -> *mut c_void {
    if !G::Flags::permitted() {
        return ptr::null_mut();
    }
    // SAFETY: The flags are legal in this context, which is what the grant says, and kmalloc accepts
    // them, by the contract of this function. `nid` is that of a node that is or was online.
    unsafe {
        if G::ON_NODE {
            calls::kmalloc_node(size, G::Flags::BITS, grant.nid())
        } else {
            calls::kmalloc(size, G::Flags::BITS)
        }
    }
}

/// Wraps `krealloc(ptr, size, F)`, or `krealloc_node()` where the grant asks for a node.
///
/// Returns NULL where there is no memory, and `ptr` is still allocated then; for 0 bytes frees
/// `ptr` and returns `ZERO_SIZE_PTR`.
///
/// # Safety
///
/// `ptr` is at most `ZERO_SIZE_PTR`, or owned memory of kmalloc. krealloc accepts the flags of the
/// grant. `size` is at most [`MAX_SIZE`], beyond which the kernel warns.
#[inline(always)]
pub(crate) unsafe fn realloc<G: Grant>(ptr: *mut c_void, size: usize, grant: G) -> *mut c_void {
    // SAFETY: By the contract of this function. The flags are legal in this context, which is what
    // the grant says, and `nid` is NUMA_NO_NODE or that of a node that is or was online.
    unsafe { calls::krealloc_node(ptr, size, G::Flags::BITS, grant.nid()) }
}

// SAFETY: kmalloc aligns to the largest power of two that divides the size, which is at least the
// alignment of a `T`, and `kfree()` frees its memory. For 0 bytes it gives `ZERO_SIZE_PTR`, which
// with all below is nothing to `krealloc()` and `kfree()` (`ZERO_OR_NULL_PTR()`).
unsafe impl Functions for Kmalloc {
    const NOTHING: usize = KALLOC_CONST_ZERO_SIZE_PTR;

    #[inline(always)]
    unsafe fn alloc<T, G: Grant>(grant: G) -> *mut T {
        // SAFETY: By the contract of this function.
        unsafe { alloc(grant) }
    }

    #[inline(always)]
    unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T {
        // SAFETY: By the contract of this function. Room is made only up to a pointer.
        unsafe { alloc_bytes(deferred_free::deferred_size::<T>(bytes), grant) }.cast()
    }

    #[inline(always)]
    unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T {
        // SAFETY: By the contract of this function `old` is at most `ZERO_SIZE_PTR`, or owned memory
        // of kmalloc, krealloc accepts the flags, and `bytes` is at most `MAX_SIZE`.
        unsafe { realloc(old.cast(), deferred_free::deferred_size::<T>(bytes), grant) }.cast()
    }

    #[inline(always)]
    unsafe fn free(memory: *mut c_void) {
        // SAFETY: By the contract of this function it is memory of kmalloc or nothing, outside NMI.
        unsafe { deferred_free::kfree(memory) }
    }

    #[inline(always)]
    unsafe fn free_now(memory: *mut c_void) {
        // SAFETY: By the contract of this function it is memory of kmalloc or nothing, outside NMI.
        unsafe { bindings::kfree(memory) }
    }
}

impl Allocator for Kmalloc {
    const MAX_SIZE: usize = MAX_SIZE;
    const MAX_NOFAIL: usize = PAGE_SIZE;
    type KernelAllocator = kernel::alloc::allocator::Kmalloc;
    const TOO_LARGE: &'static str = "larger than KMALLOC_MAX_SIZE";
    const TOO_LARGE_FOR_NOFAIL: &'static str =
        "the kernel keeps the promise of nofail only up to a page";
}
