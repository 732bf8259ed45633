// SPDX-License-Identifier: GPL-2.0

//! How a drop frees memory.
//!
//! A drop takes no token, so it can run in every context but an NMI. Off `CONFIG_PREEMPT_RT` it makes
//! the call that C makes. On PREEMPT_RT the slab and page allocators take sleeping locks, so with
//! interrupts or preemption disabled nothing can be freed. There the memory goes into a lock-free
//! list, whose node is in the memory itself, and an `irq_work` frees it soon after, in a thread: see
//! `rust/helpers/deferred_free.c`. What the value owned is dropped at once.

#[cfg(not(CONFIG_PREEMPT_RT))]
pub(crate) use kalloc_bindings::calls::drops::mempool_free_bulk;
pub(crate) use kalloc_bindings::calls::drops::{
    __free_pages,
    free_pages,
    free_pages_exact,
    free_percpu,
    kfree,
    kfree_sensitive,
    kvfree_atomic, //
};

use crate::ground::layout::with_llist_node;
use core::{
    any::type_name,
    mem::{
        needs_drop,
        ManuallyDrop, //
    },
    ops::Deref, //
};
#[cfg(not(CONFIG_PREEMPT_RT))]
use kalloc_bindings::calls::drops;
use kernel::{
    bindings::{
        kmem_cache,
        mempool, //
    },
    error::{
        to_result,
        Result, //
    },
    ffi::c_void, //
};

/// `bytes` for one or several `T` of kmalloc, and no less than the node with which dead memory waits
/// in a list: the kernel knows the size, and with KASAN, KFENCE or `slab_debug` looks at the rest.
#[inline(always)]
pub(crate) const fn deferred_size<T>(bytes: usize) -> usize {
    if cfg!(CONFIG_PREEMPT_RT) {
        with_llist_node::<T>(bytes)
    } else {
        bytes
    }
}

/// The bytes that a slab object or an element of a pool has at least, for it to wait in a list.
pub(crate) const MIN_SIZE: usize = if cfg!(CONFIG_PREEMPT_RT) {
    3 * size_of::<usize>()
} else {
    0
};

/// Wraps `kmem_cache_free()`.
///
/// # Safety
///
/// `object` is from `cache`, and nobody uses it from here on; its [`MIN_SIZE`] bytes from `offset`
/// on are of no use to anyone.
#[inline(always)]
pub(crate) unsafe fn kmem_cache_free(cache: *mut kmem_cache, object: *mut c_void, _offset: usize) {
    #[cfg(CONFIG_PREEMPT_RT)]
    // SAFETY: By the contract of this function.
    unsafe {
        kalloc_bindings::kalloc_helper_rt_kmem_cache_free(cache, object, _offset)
    };
    #[cfg(not(CONFIG_PREEMPT_RT))]
    // SAFETY: By the contract of this function.
    unsafe {
        drops::kmem_cache_free(cache, object)
    };
}

/// Wraps `mempool_free()`.
///
/// # Safety
///
/// `element` is one of `pool`, and nobody uses it from here on; `memory` is what it is, of at least
/// [`MIN_SIZE`] bytes.
#[inline(always)]
pub(crate) unsafe fn mempool_free(element: *mut c_void, pool: *mut mempool, _memory: *mut c_void) {
    #[cfg(CONFIG_PREEMPT_RT)]
    // SAFETY: By the contract of this function.
    unsafe {
        kalloc_bindings::kalloc_helper_rt_mempool_free(element, pool, _memory)
    };
    #[cfg(not(CONFIG_PREEMPT_RT))]
    // SAFETY: By the contract of this function.
    unsafe {
        drops::mempool_free(element, pool)
    };
}

/// Whether what is dropped here cannot be given back, and has no room to wait: on
/// `CONFIG_PREEMPT_RT`, with interrupts or preemption disabled. It stays for ever, and the log says
/// so.
#[inline(always)]
pub(crate) fn must_leak(_what: &'static str) -> bool {
    #[cfg(CONFIG_PREEMPT_RT)]
    // SAFETY: It has no preconditions.
    if !unsafe { kalloc_bindings::kalloc_helper_rt_may_free() } {
        say_that_it_stays(_what);
        return true;
    }
    false
}

#[cfg(CONFIG_PREEMPT_RT)]
#[cold]
#[inline(never)]
fn say_that_it_stays(what: &str) {
    kernel::pr_warn!(
        "{what} was dropped with interrupts or preemption disabled, where PREEMPT_RT cannot free it: it stays for ever\n"
    );
}

/// A value that frees by calls of the kernel crate, such as an `Arc`. Where [`must_leak`] says so it is
/// not dropped.
pub(crate) struct DropOrLeak<T>(ManuallyDrop<T>);

impl<T> DropOrLeak<T> {
    #[inline(always)]
    pub(crate) const fn new(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }
}

impl<T> Deref for DropOrLeak<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Drop for DropOrLeak<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if const { needs_drop::<T>() } && !must_leak(type_name::<T>()) {
            // SAFETY: It is not used again.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }
    }
}

/// Wraps `mempool_destroy()`. On `CONFIG_PREEMPT_RT` elements that wait are freed before; a pool that
/// is dropped with interrupts or preemption disabled [`must_leak`].
///
/// # Safety
///
/// All elements of `pool` are given back, and nobody uses it from here on.
#[inline(always)]
pub(crate) unsafe fn mempool_destroy(pool: *mut mempool) {
    if must_leak("a memory pool") {
        return;
    }
    #[cfg(CONFIG_PREEMPT_RT)]
    // SAFETY: Preemption is not disabled, as was just seen.
    unsafe {
        kalloc_bindings::kalloc_helper_rt_drain()
    };
    // SAFETY: By the contract of this function.
    unsafe { kernel::bindings::mempool_destroy(pool) };
}

/// Frees all memory that waits, or waits until it is freed, before a cache is destroyed.
///
/// # Safety
///
/// The caller may sleep.
#[inline(always)]
pub(crate) unsafe fn flush() {
    #[cfg(CONFIG_PREEMPT_RT)]
    // SAFETY: By the contract of this function.
    unsafe {
        kalloc_bindings::kalloc_helper_rt_drain()
    };
}

/// The workqueue that frees what cannot be freed without sleeping.
pub(crate) struct Deferred(());

impl Deferred {
    /// Starts it, when kalloc is loaded.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn create() -> Result<Self> {
        // SAFETY: It is called once, in process context.
        to_result(unsafe { kalloc_bindings::kalloc_helper_deferred_create() })?;
        Ok(Self(()))
    }
}

impl Drop for Deferred {
    /// Frees all that still waits.
    fn drop(&mut self) {
        // SAFETY: It is dropped in process context, when kalloc is unloaded, which nothing uses then.
        unsafe { kalloc_bindings::kalloc_helper_deferred_destroy() }
    }
}
