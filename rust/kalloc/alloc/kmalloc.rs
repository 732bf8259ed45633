// SPDX-License-Identifier: GPL-2.0

//! kmalloc: the calls that C's macros expand to.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! With a constant size, the compiler chooses what `kmalloc()` expands to: an allocation from a
//! cache, selected by size and flags, or from the page allocator above `KMALLOC_MAX_CACHE_SIZE`.
//! Here size and flags are types, so the choice is made at build time too, and a call has the same
//! instructions as in C. `rust/bindings/calls.rs` has C's names on this kernel.

#[doc(inline)]
pub use crate::ground::allocator_types::Kmalloc;

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
/// A larger one would need more than an order of `MAX_PAGE_ORDER` from the page allocator.
#[doc(alias = "KMALLOC_MAX_SIZE")]
pub const MAX_SIZE: usize = KALLOC_CONST_KMALLOC_MAX_SIZE;

/// The minimum alignment of an allocation, `ARCH_KMALLOC_MINALIGN` in bytes.
///
/// An allocation is also aligned to the largest power of two that divides its size, so it is
/// aligned for every Rust type of that size.
#[doc(alias = "ARCH_KMALLOC_MINALIGN")]
pub const MIN_ALIGN: usize = bindings::ARCH_KMALLOC_MINALIGN;

/// The size and the flags of a kmalloc for a `T`.
struct KmallocOf<T, F>(PhantomData<(T, F)>);

impl<T, F: Gfp> calls::Constant for KmallocOf<T, F> {
    const SIZE: usize = deferred_free::deferred_size::<T>(size_of::<T>());
    const FLAGS: gfp_t = F::BITS;
}

/// Wraps `kmalloc(size_of::<T>(), F)`, or `kmalloc_node()` where the grant names a node.
///
/// Returns NULL if memory is short. The pointer is aligned for `T`.
///
/// # Safety
///
/// kmalloc accepts the flags of the grant. The size of `T` is not 0 and at most [`MAX_SIZE`].
#[inline(always)]
pub(crate) unsafe fn alloc<T, G: Grant>(grant: G) -> *mut T {
    if !G::Flags::permitted() {
        return ptr::null_mut();
    }
    let nid = if G::ON_NODE { Some(grant.nid()) } else { None };
    // SAFETY: The context permits the flags, by the grant. `# Safety`: kmalloc accepts them, and
    // the size is at most `MAX_SIZE`. Invariant of `Node`: `nid` is or was online.
    unsafe { calls::kmalloc_constant::<KmallocOf<T, G::Flags>>(nid) }.cast()
}

/// Wraps `kmalloc(size, F)`, or `kmalloc_node()` where the grant names a node. `size` is in bytes.
///
/// Returns NULL if memory is short, and `ZERO_SIZE_PTR` for 0 bytes.
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
    // SAFETY: The context permits the flags, by the grant. `# Safety`: kmalloc accepts them, and
    // `size` is at most `MAX_SIZE`. Invariant of `Node`: `nid` is or was online.
    unsafe {
        if G::ON_NODE {
            calls::kmalloc_node(size, G::Flags::BITS, grant.nid())
        } else {
            calls::kmalloc(size, G::Flags::BITS)
        }
    }
}

/// Wraps `krealloc(ptr, size, F)`, or `krealloc_node()` where the grant names a node.
///
/// Returns NULL if memory is short; `ptr` is still allocated then. For 0 bytes it frees `ptr` and
/// returns `ZERO_SIZE_PTR`.
///
/// # Safety
///
/// `ptr` is at most `ZERO_SIZE_PTR`, or owned memory of kmalloc. krealloc accepts the flags of the
/// grant. `size` is at most [`MAX_SIZE`], beyond which the kernel warns.
#[inline(always)]
pub(crate) unsafe fn realloc<G: Grant>(ptr: *mut c_void, size: usize, grant: G) -> *mut c_void {
    // SAFETY: The context permits the flags, by the grant. `# Safety`: `ptr` is at most
    // `ZERO_SIZE_PTR` or owned memory of kmalloc, krealloc accepts the flags, and `size` is at most
    // `MAX_SIZE`. `nid` is NUMA_NO_NODE, or by the invariant of `Node` is or was online.
    unsafe { calls::krealloc_node(ptr, size, G::Flags::BITS, grant.nid()) }
}

// SAFETY: kmalloc aligns to the largest power of two that divides the size, which is at least the
// alignment of a `T`, and `kfree()` frees its memory. For 0 bytes it returns `ZERO_SIZE_PTR`.
// `krealloc()` and `kfree()` treat addresses up to that one as NULL (`ZERO_OR_NULL_PTR()`).
unsafe impl Functions for Kmalloc {
    const NOTHING: usize = KALLOC_CONST_ZERO_SIZE_PTR;

    #[inline(always)]
    unsafe fn alloc<T, G: Grant>(grant: G) -> *mut T {
        // SAFETY: `# Safety`: kmalloc accepts the flags, and the size of `T` is not 0 and at most
        // `MAX_SIZE`.
        unsafe { alloc(grant) }
    }

    #[inline(always)]
    unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T {
        // SAFETY: `# Safety`: kmalloc accepts the flags, and `bytes` is at most `MAX_SIZE`.
        // `deferred_size` raises it to that of a list node at most.
        unsafe { alloc_bytes(deferred_free::deferred_size::<T>(bytes), grant) }.cast()
    }

    #[inline(always)]
    unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T {
        // SAFETY: `# Safety`: `old` is at most `ZERO_SIZE_PTR` or owned memory of kmalloc, krealloc
        // accepts the flags, and `bytes` is at most `MAX_SIZE`.
        unsafe { realloc(old.cast(), deferred_free::deferred_size::<T>(bytes), grant) }.cast()
    }

    #[inline(always)]
    unsafe fn free(memory: *mut c_void) {
        // SAFETY: `# Safety`: `memory` is owned memory of kmalloc or at most `ZERO_SIZE_PTR`, and
        // the code is not in an NMI handler.
        unsafe { deferred_free::kfree(memory) }
    }

    #[inline(always)]
    unsafe fn free_now(memory: *mut c_void) {
        // SAFETY: `# Safety`: `memory` is owned memory of kmalloc or at most `ZERO_SIZE_PTR`, and
        // the code may sleep.
        unsafe { bindings::kfree(memory) }
    }
}

impl Allocator for Kmalloc {
    const MAX_SIZE: usize = MAX_SIZE;
    const MAX_NOFAIL: usize = PAGE_SIZE;
    type KernelAllocator = kernel::alloc::allocator::Kmalloc;
    const TOO_LARGE: &'static str = "larger than KMALLOC_MAX_SIZE";
    const TOO_LARGE_FOR_NOFAIL: &'static str =
        "the kernel guarantees __GFP_NOFAIL only up to a page";
}
