// SPDX-License-Identifier: GPL-2.0

//! What is behind a pool.

use crate::{
    alloc::{
        deferred_free::{
            self, //
        },
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

/// What allocates the elements of a pool: [`KmallocBacked`], [`SlabBacked`] or [`PageBacked`].
///
/// # Safety
///
/// The functions allocate and free elements, with what belongs to them, for as long as the backing
/// lives; what frees does not sleep. An element has memory for a `T`, aligned, and
/// on `CONFIG_PREEMPT_RT` no less than three pointers, which `object` gives and from which `element`
/// leads back.
// `unsafe` and not sealed: `T` is a driver's type, so the orphan rule permits a driver to implement
// it for types of this crate.
pub unsafe trait Backing<T> {
    /// The functions of the kernel and what they get.
    #[doc(hidden)]
    fn functions(&self) -> (mempool_alloc_t, mempool_free_t, *mut c_void);

    /// The memory of an element.
    ///
    /// # Safety
    ///
    /// It is an element of this backing.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn object(element: NonNull<c_void>) -> NonNull<T> {
        element.cast()
    }

    /// The element of memory.
    ///
    /// # Safety
    ///
    /// It is the memory of an element of this backing.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn element(object: NonNull<T>) -> NonNull<c_void> {
        object.cast()
    }
}

/// Elements come from kmalloc.
#[derive(Clone, Copy, Debug)]
pub struct KmallocBacked;

// SAFETY: The functions and the size belong together, as in `mempool_create_kmalloc_pool()`. kmalloc
// aligns to the largest power of two that divides the size of a `T`, which is at least its alignment;
// a smaller `T` than three pointers is aligned to at most two, and is in an object aligned to four.
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

/// Elements come from a [`Cache`], which the pool owns in the way of `O`.
///
/// A cache with a constructor is none: the pool would hand out elements that it has not run for.
#[derive(Clone, Copy, Debug)]
pub struct SlabBacked<O>(pub(super) O);

// SAFETY: The functions and the cache belong together, as in `mempool_create_slab_pool()`. An owner
// gives the same cache each time and keeps it; its objects have memory for a `T`.
unsafe impl<T, O: PoolRef<Cache<T>>> Backing<T> for SlabBacked<O> {
    fn functions(&self) -> (mempool_alloc_t, mempool_free_t, *mut c_void) {
        (
            Some(bindings::mempool_alloc_slab),
            Some(bindings::mempool_free_slab),
            self.0.pool().as_ptr().cast(),
        )
    }
}

/// Elements are pages: the lowest order that has room for a `T`.
#[derive(Clone, Copy, Debug)]
pub struct PageBacked;

// SAFETY: The functions and the order belong together, as in `mempool_create_page_pool()`. So many
// pages have room for a `T`, and an alignment of at most a page was seen.
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
        // SAFETY: By the contract of this function the element is the `struct page` of the first of
        // its pages.
        let address = unsafe { kalloc_helper_page_address(element.as_ptr().cast()) };
        // SAFETY: The pages are not of high memory, which no flags for a pool ask for, and so they
        // have an address.
        unsafe { NonNull::new_unchecked(address.cast()) }
    }

    #[inline(always)]
    unsafe fn element(object: NonNull<T>) -> NonNull<c_void> {
        // SAFETY: By the contract of this function it is the address of the first of an element's
        // pages.
        let page = unsafe { kalloc_helper_virt_to_page(object.as_ptr().cast()) };
        // SAFETY: Every page has a `struct page`.
        unsafe { NonNull::new_unchecked(page.cast()) }
    }
}
