// SPDX-License-Identifier: GPL-2.0

//! The calls that C's vmalloc macros make: memory that is contiguous for the kernel only, in whole
//! pages.
//!
//! C header: [`include/linux/vmalloc.h`](srctree/include/linux/vmalloc.h)
//!
//! Which function C calls depends on the flags and on whether a node is asked for. Both are types
//! here, so a call is C's. Flags that have no function of their own with a node go to
//! `vrealloc_node_align()` with no old memory, which is the same allocation: `__vmalloc_node()` is
//! not exported. So does an alignment of more than a page.
//!
//! # Contexts
//!
//! vmalloc takes locks that are not safe against interrupts, and stops the kernel in a hard one. It
//! sleeps with flags that reclaim, and `vrealloc()` and `vfree()` sleep whatever the flags. So
//! memory is made and grown where the code may sleep. Only the constructors whose names end in
//! `_nonblocking` are for the other contexts, where these are [`NotInterrupt`].
//!
//! A drop calls `kvfree_atomic()`, which leaves the work to process context; `vfree_atomic()`, which
//! it calls, is not exported.
//!
//! [`NotInterrupt`]: crate::context::NotInterrupt

#[doc(inline)]
pub use crate::ground::allocators::Vmalloc;

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

/// Whether `bytes` is more than the machine has, for which vmalloc would print a warning.
///
/// Up to the largest size of kmalloc there is nothing to ask.
#[inline(always)]
pub(crate) fn exceeds_ram(bytes: usize) -> bool {
    bytes > kmalloc::MAX_SIZE
        // SAFETY: It has no preconditions.
        && bytes >> PAGE_SHIFT > unsafe { kalloc_helper_totalram_pages() }
}

/// The alignment to ask for: 1, as C does, unless a `T` needs more than a page.
pub(crate) const fn align<T>() -> usize {
    if align_of::<T>() > PAGE_SIZE {
        align_of::<T>()
    } else {
        1
    }
}

const ZEROED: gfp_t = KALLOC_CONST_GFP_KERNEL | KALLOC_CONST___GFP_ZERO;

// SAFETY: vmalloc gives whole pages, aligned to a page or as asked, and frees them by `vfree()`.
unsafe impl Functions for Vmalloc {
    /// Wraps `vmalloc(bytes)`, `vzalloc()`, `__vmalloc()` or their on-node forms.
    ///
    /// Returns NULL where there is no memory, and for more than there can be.
    #[inline(always)]
    unsafe fn alloc_bytes<T, G: Grant>(bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) || !G::Flags::permitted() {
            return ptr::null_mut();
        }
        let (bytes, flags, nid) = (with_llist_node::<T>(bytes), G::Flags::BITS, grant.nid());
        let plain = const { align::<T>() == 1 };
        // SAFETY: The flags are legal in this context, which is what the grant says. By the contract of
        // this function vmalloc accepts them, and it is no interrupt, since they reclaim or the
        // context is `NotInterrupt`. `nid` is that of a node that is or was online, and there is no
        // old memory.
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

    /// Wraps `vrealloc()`, or `vrealloc_node()` where the grant asks for a node.
    #[inline(always)]
    unsafe fn realloc<T, G: Grant>(old: *mut T, bytes: usize, grant: G) -> *mut T {
        if exceeds_ram(bytes) {
            return ptr::null_mut();
        }
        let bytes = with_llist_node::<T>(bytes);
        // SAFETY: By the contract of this function `old` is NULL or memory of vmalloc, aligned for
        // a `T`, and vrealloc accepts the flags, with which the context sleeps. `nid` is
        // NUMA_NO_NODE or that of a node that is or was online.
        unsafe {
            calls::vrealloc_node_align(old.cast(), bytes, align::<T>(), G::Flags::BITS, grant.nid())
        }
        .cast()
    }

    #[inline(always)]
    unsafe fn free_now(memory: *mut c_void) {
        // SAFETY: By the contract of this function it is memory of vmalloc, where the code may
        // sleep.
        unsafe { vfree(memory) }
    }
}

impl Allocator for Vmalloc {
    /// No Rust value is larger. What is more than all of RAM is an error, at run time.
    const MAX_SIZE: usize = isize::MAX as usize;
    /// As for [`KVmalloc`](crate::kvmalloc::KVmalloc), whose promise vmalloc keeps.
    const MAX_NOFAIL: usize = kmalloc::MAX_SIZE;
    type KernelAllocator = kernel::alloc::allocator::Vmalloc;
    const TOO_LARGE: &'static str = "larger than any value";
    const TOO_LARGE_FOR_NOFAIL: &'static str =
        "the kernel keeps the promise of nofail only up to KMALLOC_MAX_SIZE";
}

impl Blocking for Vmalloc {}
