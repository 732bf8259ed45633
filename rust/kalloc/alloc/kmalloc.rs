// SPDX-License-Identifier: GPL-2.0

//! The calls that C's kmalloc macros make.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! With a size that is known at build time `kmalloc()` is not one call but a choice that the
//! compiler makes: of the cache, by size and flags, or of the page allocator above
//! `KMALLOC_MAX_CACHE_SIZE`. The size and the flags are types here, so the same choice is made at
//! build time and a call is what it is in C, instruction for instruction. Where C's macro does more
//! than that (allocation profiling, partitioned caches), a helper in C makes the call.

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
use kalloc_bindings::*;
use kernel::{
    bindings,
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

/// The functions behind C's macros.
#[cfg(not(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES)))]
mod raw {
    use super::*;
    pub(super) use kernel::bindings::__kmalloc_noprof as kmalloc;
    use kernel::bindings::gfp_t;

    /// # Safety
    ///
    /// The flags are legal in this context, and `nid` is that of a node that is or was online.
    #[inline(always)]
    pub(super) unsafe fn kmalloc_node(size: usize, flags: gfp_t, nid: i32) -> *mut c_void {
        // SAFETY: As for the caller. The bucket is NULL in C's macro too.
        unsafe {
            bindings::__kmalloc_node_noprof(
                size,
                #[cfg(CONFIG_SLAB_BUCKETS)]
                core::ptr::null_mut(),
                flags,
                nid,
            )
        }
    }

    /// # Safety
    ///
    /// As [`kmalloc_node`]; and `ptr` is at most `ZERO_SIZE_PTR`, or owned memory of kmalloc.
    #[inline(always)]
    pub(super) unsafe fn krealloc_node(
        ptr: *const c_void,
        size: usize,
        flags: gfp_t,
        nid: i32,
    ) -> *mut c_void {
        // SAFETY: As for the caller. C's macro asks for an alignment of 1 too.
        unsafe { bindings::krealloc_node_align_noprof(ptr, size, 1, flags, nid) }
    }

    /// `kmalloc_type()`, for flags that are known at build time.
    const fn cache_type(flags: gfp_t) -> bindings::kmalloc_cache_type {
        if cfg!(CONFIG_ZONE_DMA) && flags & KALLOC_CONST___GFP_DMA != 0 {
            bindings::kmalloc_cache_type_KMALLOC_DMA
        } else if flags & KALLOC_CONST___GFP_RECLAIMABLE != 0 {
            bindings::kmalloc_cache_type_KMALLOC_RECLAIM
        } else if cfg!(CONFIG_MEMCG) && flags & KALLOC_CONST___GFP_ACCOUNT != 0 {
            bindings::kmalloc_cache_type_KMALLOC_CGROUP
        } else {
            bindings::kmalloc_cache_type_KMALLOC_NORMAL
        }
    }

    /// `kmalloc_index()`, for a size that is known at build time, above 0 and at most
    /// `KMALLOC_MAX_CACHE_SIZE`.
    const fn cache_index(size: usize) -> usize {
        if size <= KALLOC_CONST_KMALLOC_MIN_SIZE {
            KALLOC_CONST_KMALLOC_SHIFT_LOW
        } else if KALLOC_CONST_KMALLOC_MIN_SIZE <= 32 && size > 64 && size <= 96 {
            1
        } else if KALLOC_CONST_KMALLOC_MIN_SIZE <= 64 && size > 128 && size <= 192 {
            2
        } else {
            size.next_power_of_two().trailing_zeros() as usize
        }
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
        let size = const { deferred_free::deferred_size::<T>(size_of::<T>()) };
        let (flags, nid) = (G::Flags::BITS, grant.nid());
        if !G::Flags::permitted() {
            return core::ptr::null_mut();
        }

        if const { size_of::<T>() > KALLOC_CONST_KMALLOC_MAX_CACHE_SIZE } {
            // SAFETY: The flags are legal in this context, which is what the grant says, and kmalloc
            // accepts them, by the contract of this function. `nid` is that of a node that is or was
            // online. The size is at most `MAX_SIZE`.
            return unsafe {
                if G::ON_NODE {
                    bindings::__kmalloc_large_node_noprof(size, flags, nid)
                } else {
                    bindings::__kmalloc_large_noprof(size, flags)
                }
            }
            .cast();
        }

        // SAFETY: The kernel fills the array before any module runs and does not change it again.
        let cache = unsafe {
            bindings::kmalloc_caches[const { cache_type(G::Flags::BITS) as usize }]
                [const { cache_index(size_of::<T>()) }]
        };
        // SAFETY: `cache` is the one that C's macro takes for this size and these flags. The flags
        // are legal in this context, which is what the grant says, and kmalloc accepts them, by the
        // contract of this function. `nid` is that of a node that is or was online.
        unsafe {
            if G::ON_NODE {
                bindings::__kmalloc_cache_node_noprof(cache, flags, nid, size)
            } else {
                bindings::__kmalloc_cache_noprof(cache, flags, size)
            }
        }
        .cast()
    }
}

/// With allocation profiling and with partitioned caches C's macros do more than choose a function:
/// C makes the call.
#[cfg(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES))]
mod raw {
    use super::*;
    pub(super) use kalloc_bindings::{
        kalloc_helper_kmalloc as kmalloc,
        kalloc_helper_kmalloc_node as kmalloc_node,
        kalloc_helper_krealloc_node as krealloc_node, //
    };

    /// Wraps `kmalloc(size_of::<T>(), F)`, or `kmalloc_node()` where the grant asks for a node.
    ///
    /// Returns NULL where there is no memory. The pointer is aligned for `T`.
    ///
    /// # Safety
    ///
    /// kmalloc accepts the flags of the grant. `T` has a size, of at most [`MAX_SIZE`].
    #[inline(always)]
    pub(crate) unsafe fn alloc<T, G: Grant>(grant: G) -> *mut T {
        // SAFETY: By the contract of this function.
        unsafe { alloc_bytes(deferred_free::deferred_size::<T>(size_of::<T>()), grant) }.cast()
    }
}

pub(crate) use raw::alloc;

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
        return core::ptr::null_mut();
    }
    // SAFETY: The flags are legal in this context, which is what the grant says, and kmalloc accepts
    // them, by the contract of this function. `nid` is that of a node that is or was online.
    unsafe {
        if G::ON_NODE {
            raw::kmalloc_node(size, G::Flags::BITS, grant.nid())
        } else {
            raw::kmalloc(size, G::Flags::BITS)
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
    unsafe { raw::krealloc_node(ptr, size, G::Flags::BITS, grant.nid()) }
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
