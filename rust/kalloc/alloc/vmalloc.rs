// SPDX-License-Identifier: GPL-2.0

//! vmalloc: the calls that C's macros expand to. The memory is virtually contiguous, in whole
//! pages.
//!
//! C header: [`include/linux/vmalloc.h`](srctree/include/linux/vmalloc.h)
//!
//! The flags and whether a node is given determine the function that C calls. Both are types here,
//! so kalloc calls the same function. For other flags with a node, and for an alignment of more
//! than a page, kalloc calls `vrealloc_node_align()` with no old memory, which is the same
//! allocation: `__vmalloc_node()` is not exported.
//!
//! # Contexts
//!
//! vmalloc takes locks that are not safe against interrupts, and crashes the kernel in a hard
//! interrupt. It sleeps with flags that reclaim. `vrealloc()` and `vfree()` sleep whatever the
//! flags. So memory is allocated and grown where the code may sleep. The constructors whose names
//! end in `_nonblocking` may also be called where the code must not sleep, in a context that is
//! [`NotInterrupt`].
//!
//! A drop calls `kvfree_atomic()`, which defers the free to process context. (`vfree_atomic()`,
//! which `kvfree_atomic()` calls, is not exported.)
//!
//! [`NotInterrupt`]: crate::context::NotInterrupt

#[doc(inline)]
pub use crate::ground::allocator_types::Vmalloc;

use crate::{
    alloc::{
        allocator::{
            private::Functions,
            Allocator,
            Blocking, //
        },
        kmalloc, //
    },
    contexts::grant::Grant,
    flags::gfp::Gfp,
    ground::layout::with_llist_node, //
};
use core::ptr;
use kalloc_bindings::*;
use kernel::{
    bindings::gfp_t,
    ffi::c_void,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
};

/// Whether `bytes` is more than the machine's RAM. vmalloc would log a warning then.
///
/// Up to the largest size of kmalloc the check is skipped.
#[inline(always)]
pub(crate) fn exceeds_ram(bytes: usize) -> bool {
    bytes > kmalloc::MAX_SIZE
        // SAFETY: The call has no preconditions.
        && bytes >> PAGE_SHIFT > unsafe { kalloc_helper_totalram_pages() }
}

/// The alignment to pass: 1, as in C, unless a `T` needs more than a page.
pub(crate) const fn align<T>() -> usize {
    if align_of::<T>() > PAGE_SIZE {
        align_of::<T>()
    } else {
        1
    }
}

const ZEROED: gfp_t = KALLOC_CONST_GFP_KERNEL | KALLOC_CONST___GFP_ZERO;

// SAFETY: vmalloc returns whole pages, aligned to a page or as requested, and `vfree()` frees them.
unsafe impl Functions for Vmalloc {
    /// Wraps `vmalloc(bytes)`, `vzalloc()`, `__vmalloc()` or their on-node forms.
    ///
    /// Returns NULL if memory is short, and for more than all of RAM.
    #[inline(always)]
    unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) || !G::Flags::permitted() {
            return ptr::null_mut();
        }
        let (bytes, flags, nid) = (with_llist_node::<T>(bytes), G::Flags::BITS, grant.nid());
        let plain = const { align::<T>() == 1 };
        // SAFETY: The context permits the flags, by the grant. `# Safety`: vmalloc accepts them, so
        // they reclaim or the context is `NotInterrupt`. `nid` is NUMA_NO_NODE, or by the invariant
        // of `Node` is or was online. There is no old memory.
        unsafe {
            match flags {
                KALLOC_CONST_GFP_KERNEL if plain && !G::ON_NODE => calls::vmalloc(bytes),
                KALLOC_CONST_GFP_KERNEL if plain => calls::vmalloc_node(bytes, nid),
                ZEROED if plain && !G::ON_NODE => calls::vzalloc(bytes),
                ZEROED if plain => calls::vzalloc_node(bytes, nid),
                _ if plain && !G::ON_NODE => calls::__vmalloc(bytes, flags),
                _ => calls::vrealloc_node_align(ptr::null(), bytes, align::<T>(), flags, nid),
            }
        }
        .cast()
    }

    /// Wraps `vrealloc()`, or `vrealloc_node()` where the grant names a node.
    #[inline(always)]
    unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) {
            return ptr::null_mut();
        }
        let bytes = with_llist_node::<T>(bytes);
        // SAFETY: `# Safety`: `old` is NULL or owned memory of vmalloc, aligned for a `T`, and
        // vrealloc accepts the flags, so the context may sleep. `nid` is NUMA_NO_NODE, or by the
        // invariant of `Node` is or was online.
        unsafe {
            calls::vrealloc_node_align(old.cast(), bytes, align::<T>(), G::Flags::BITS, grant.nid())
        }
        .cast()
    }

    #[inline(always)]
    unsafe fn free_now(memory: *mut c_void) {
        // SAFETY: `# Safety`: `memory` is NULL or owned memory of vmalloc, and the code may sleep.
        unsafe { vfree(memory) }
    }
}

impl Allocator for Vmalloc {
    /// No Rust value is larger. An allocation of more than all of RAM fails at run time.
    const MAX_SIZE: usize = isize::MAX as usize;
    /// As for [`KVmalloc`](crate::kvmalloc::KVmalloc).
    const MAX_NOFAIL: usize = kmalloc::MAX_SIZE;
    type KernelAllocator = kernel::alloc::allocator::Vmalloc;
    const TOO_LARGE: &'static str = "larger than any value";
    const TOO_LARGE_FOR_NOFAIL: &'static str =
        "the kernel guarantees __GFP_NOFAIL only up to KMALLOC_MAX_SIZE";
}

impl Blocking for Vmalloc {}
