// SPDX-License-Identifier: GPL-2.0

//! [`Backing`]: the allocators of memory pools.

use crate::{
    alloc::{
        deferred_free,
        kmalloc, //
    },
    memory::{
        pooled::PoolRef,
        slab::Cache, //
    },
};
use core::{
    mem::{
        align_of,
        size_of, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        mempool_alloc_t,
        mempool_free_t, //
    },
    ffi::c_void,
    page::PAGE_SIZE, //
};

/// The allocator of the elements of a pool: [`KmallocBacked`], [`SlabBacked`] or [`PageBacked`].
///
/// # Safety
///
/// The functions allocate and free elements, with their data pointer, while the backing is alive.
/// Freeing does not sleep. An element has aligned memory for a `T`, and on `CONFIG_PREEMPT_RT` for
/// three pointers at least. `object` returns that memory, and `element` is the inverse of `object`.
// `unsafe` and not sealed: `T` is a driver's type, so the orphan rule allows a driver to implement
// this for types of this crate.
pub unsafe trait Backing<T> {
    /// The kernel's allocation functions and their data pointer.
    #[doc(hidden)]
    fn functions(&self) -> (mempool_alloc_t, mempool_free_t, *mut c_void);

    /// The memory of an element.
    ///
    /// # Safety
    ///
    /// `element` is an element of this backing.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn object(element: NonNull<c_void>) -> NonNull<T> {
        element.cast()
    }

    /// The element that has this memory.
    ///
    /// # Safety
    ///
    /// `object` is the memory of an element of this backing.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn element(object: NonNull<T>) -> NonNull<c_void> {
        object.cast()
    }
}

/// Elements are allocated by kmalloc.
#[derive(Clone, Copy, Debug)]
pub struct KmallocBacked;

// SAFETY: The functions and the size match, as in `mempool_create_kmalloc_pool()`. kmalloc aligns
// to the largest power of two that divides the size of a `T`, which is at least its alignment. A
// `T` smaller than three pointers is aligned to two pointers at most, and its object is aligned to
// four.
unsafe impl<T> Backing<T> for KmallocBacked {
    fn functions(&self) -> (mempool_alloc_t, mempool_free_t, *mut c_void) {
        const {
            assert!(
                size_of::<T>() <= kmalloc::MAX_SIZE,
                "larger than KMALLOC_MAX_SIZE"
            )
        };
        (
            Some(bindings::mempool_kmalloc),
            Some(bindings::mempool_kfree),
            ptr::without_provenance_mut(size_of::<T>().max(deferred_free::MIN_SIZE)),
        )
    }
}

/// Elements are objects of a [`Cache`], to which the pool holds the reference `O`.
///
/// A cache with a constructor is not accepted: the pool would return objects for which the
/// constructor has not run.
#[derive(Clone, Copy, Debug)]
pub struct SlabBacked<O>(pub(super) O);

// SAFETY: The functions and the cache match, as in `mempool_create_slab_pool()`. `PoolRef`: the
// cache stays the same and valid. Its objects have memory for a `T`.
unsafe impl<T, O: PoolRef<Cache<T>>> Backing<T> for SlabBacked<O> {
    fn functions(&self) -> (mempool_alloc_t, mempool_free_t, *mut c_void) {
        (
            Some(bindings::mempool_alloc_slab),
            Some(bindings::mempool_free_slab),
            self.0.pool().as_ptr().cast(),
        )
    }
}

/// Elements are pages of the lowest order in which a `T` fits.
#[derive(Clone, Copy, Debug)]
pub struct PageBacked;

// SAFETY: The functions and the order match, as in `mempool_create_page_pool()`. A `T` fits in that
// many pages, and its alignment is asserted to be a page at most.
unsafe impl<T> Backing<T> for PageBacked {
    fn functions(&self) -> (mempool_alloc_t, mempool_free_t, *mut c_void) {
        const {
            assert!(
                size_of::<T>() <= kmalloc::MAX_SIZE,
                "larger than a block of MAX_PAGE_ORDER"
            );
            assert!(align_of::<T>() <= PAGE_SIZE, "pages are aligned to a page");
        };
        let order = size_of::<T>()
            .div_ceil(PAGE_SIZE)
            .next_power_of_two()
            .trailing_zeros();
        (
            Some(bindings::mempool_alloc_pages),
            Some(bindings::mempool_free_pages),
            ptr::without_provenance_mut(order as usize),
        )
    }

    #[inline(always)]
    unsafe fn object(element: NonNull<c_void>) -> NonNull<T> {
        // SAFETY: `# Safety`: the element is the first `struct page` of its pages.
        let address = unsafe { kalloc_helper_page_address(element.as_ptr().cast()) };
        // SAFETY: The pages are not high memory, since no flags for a pool allow it. So they have
        // an address.
        unsafe { NonNull::new_unchecked(address.cast()) }
    }

    #[inline(always)]
    unsafe fn element(object: NonNull<T>) -> NonNull<c_void> {
        // SAFETY: `# Safety`: `object` is the address of an element's pages.
        let page = unsafe { kalloc_helper_virt_to_page(object.as_ptr().cast()) };
        // SAFETY: Every page has a `struct page`.
        unsafe { NonNull::new_unchecked(page.cast()) }
    }
}
