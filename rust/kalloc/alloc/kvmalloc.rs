// SPDX-License-Identifier: GPL-2.0

//! The call that C's kvmalloc macros make: kmalloc where it has the memory, and vmalloc where it has
//! not.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! Up to a page it is kmalloc alone. Above, kmalloc is tried once, without reclaim and without a
//! warning, before vmalloc is. Contexts are those of [vmalloc](crate::vmalloc).

#[doc(inline)]
pub use crate::ground::allocators::KVmalloc;

use crate::{
    alloc::{
        allocator::{
            private::Functions,
            Allocator,
            Blocking, //
        },
        deferred_free, kmalloc,
        vmalloc::{
            align,
            exceeds_ram, //
        },
    },
    contexts::grant::Grant,
    flags::gfp::Gfp,
    ground::layout::with_llist_node, //
};
use core::ptr;
use kalloc_bindings::calls;
use kernel::{
    bindings,
    ffi::c_void, //
};

// SAFETY: kmalloc aligns to the largest power of two that divides the size, which is at least the
// alignment of a `T`, and vmalloc to a page or as asked. `kvfree()` frees both.
unsafe impl Functions for KVmalloc {
    /// Wraps `kvmalloc(bytes, F)`, or `kvmalloc_node()` where the grant asks for a node.
    ///
    /// Returns NULL where there is no memory, and for more than all of RAM.
    #[inline(always)]
    unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) || !G::Flags::permitted() {
            return ptr::null_mut();
        }
        let bytes = deferred_free::deferred_size::<T>(bytes);
        // SAFETY: The flags are legal in this context, which is what the grant says. By the contract of
        // this function kvmalloc accepts them, and it is no interrupt, since they reclaim or the
        // context is `NotInterrupt`. `nid` is NUMA_NO_NODE or that of a node that is or was online.
        // `bytes` is at most `INT_MAX`.
        unsafe { calls::kvmalloc_node_align(bytes, align::<T>(), G::Flags::BITS, grant.nid()) }
            .cast()
    }

    /// Wraps `kvrealloc()`, or `kvrealloc_node()` where the grant asks for a node.
    #[inline(always)]
    unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) {
            return ptr::null_mut();
        }
        // It may be memory of vmalloc, and shrink.
        let bytes = with_llist_node::<T>(bytes);
        // SAFETY: By the contract of this function `old` is NULL or memory of kvmalloc, aligned for
        // a `T`, and kvrealloc accepts the flags, with which the context sleeps. `nid` is
        // NUMA_NO_NODE or that of a node that is or was online.
        unsafe {
            calls::kvrealloc_node_align(
                old.cast(),
                bytes,
                align::<T>(),
                G::Flags::BITS,
                grant.nid(),
            )
        }
        .cast()
    }

    #[inline(always)]
    unsafe fn free_now(memory: *mut c_void) {
        // SAFETY: By the contract of this function it is memory of kvmalloc, where the code may
        // sleep.
        unsafe { bindings::kvfree(memory) }
    }
}

impl Allocator for KVmalloc {
    /// `INT_MAX`: for more the kernel warns.
    const MAX_SIZE: usize = i32::MAX as usize;
    /// For more the kernel might not have the memory at all.
    const MAX_NOFAIL: usize = kmalloc::MAX_SIZE;
    type KernelAllocator = kernel::alloc::allocator::KVmalloc;
    const TOO_LARGE: &'static str = "larger than INT_MAX";
    const TOO_LARGE_FOR_NOFAIL: &'static str =
        "the kernel keeps the promise of nofail only up to KMALLOC_MAX_SIZE";
}

impl Blocking for KVmalloc {}
