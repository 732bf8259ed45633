// SPDX-License-Identifier: GPL-2.0

//! kvmalloc: the call that C's macros expand to. It allocates by kmalloc, and falls back to
//! vmalloc.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! Up to a page it uses kmalloc only. Above, it tries kmalloc once, without reclaim and without a
//! warning, and then vmalloc. The contexts are those of [vmalloc](crate::vmalloc).

#[doc(inline)]
pub use crate::ground::allocator_types::KVmalloc;

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
    /// Wraps `kvmalloc(bytes, F)`, or `kvmalloc_node()` where the grant names a node.
    ///
    /// Returns NULL if memory is short, and for more than all of RAM.
    #[inline(always)]
    unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) || !G::Flags::permitted() {
            return ptr::null_mut();
        }
        let bytes = deferred_free::deferred_size::<T>(bytes);
        // SAFETY: The context permits the flags, by the grant. `# Safety`: kvmalloc accepts them,
        // so they reclaim or the context is `NotInterrupt`, and `bytes` is at most `INT_MAX`. `nid`
        // is NUMA_NO_NODE, or by the invariant of `Node` is or was online.
        unsafe { calls::kvmalloc_node_align(bytes, align::<T>(), G::Flags::BITS, grant.nid()) }
            .cast()
    }

    /// Wraps `kvrealloc()`, or `kvrealloc_node()` where the grant names a node.
    #[inline(always)]
    unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) {
            return ptr::null_mut();
        }
        // The old memory may be of vmalloc, and may shrink.
        let bytes = with_llist_node::<T>(bytes);
        // SAFETY: `# Safety`: `old` is NULL or owned memory of kvmalloc, aligned for a `T`, and
        // kvrealloc accepts the flags, so the context may sleep. `nid` is NUMA_NO_NODE, or by the
        // invariant of `Node` is or was online.
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
        // SAFETY: `# Safety`: `memory` is NULL or owned memory of kvmalloc, and the code may sleep.
        unsafe { bindings::kvfree(memory) }
    }
}

impl Allocator for KVmalloc {
    /// `INT_MAX`: the kernel warns above.
    const MAX_SIZE: usize = i32::MAX as usize;
    /// The kernel does not guarantee that a larger allocation can ever succeed.
    const MAX_NOFAIL: usize = kmalloc::MAX_SIZE;
    type KernelAllocator = kernel::alloc::allocator::KVmalloc;
    const TOO_LARGE: &'static str = "larger than INT_MAX";
    const TOO_LARGE_FOR_NOFAIL: &'static str =
        "the kernel guarantees __GFP_NOFAIL only up to KMALLOC_MAX_SIZE";
}

impl Blocking for KVmalloc {}
