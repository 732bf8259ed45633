// SPDX-License-Identifier: GPL-2.0

//! The frees that `Drop` implementations call.
//!
//! A drop takes no token, so it may run in every context except an NMI handler. Without
//! `CONFIG_PREEMPT_RT` it makes the same call as C. On PREEMPT_RT the slab and page allocators take
//! sleeping locks, so they cannot free memory with interrupts or preemption disabled. In that case
//! the memory is added to a lock-free list, whose node is in the memory itself, and an `irq_work`
//! thread frees it soon after. See `rust/helpers/deferred_free.c`. The value itself is dropped at
//! once.

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

/// The size of a kmalloc for one or several `T` of `bytes` bytes: at least that of the list node
/// with which the memory waits to be freed. The node must be within the requested size, since
/// KASAN, KFENCE and `slab_debug` check accesses beyond it.
#[inline(always)]
pub(crate) const fn deferred_size<T>(bytes: usize) -> usize {
    if cfg!(CONFIG_PREEMPT_RT) {
        with_llist_node::<T>(bytes)
    } else {
        bytes
    }
}

/// The minimum size of a slab object or a pool element, so that it has room for the list node, in
/// bytes.
pub(crate) const MIN_SIZE: usize = if cfg!(CONFIG_PREEMPT_RT) {
    3 * size_of::<usize>()
} else {
    0
};

/// Wraps `kmem_cache_free()`.
///
/// # Safety
///
/// `object` is from `cache` and is not used again. Its [`MIN_SIZE`] bytes from `offset` on are free
/// for the list node.
#[inline(always)]
pub(crate) unsafe fn kmem_cache_free(cache: *mut kmem_cache, object: *mut c_void, offset: usize) {
    // SAFETY: `# Safety`: `object` is from `cache` and not used again, with room at `offset`.
    unsafe { drops::kmem_cache_free(cache, object, offset) };
}

/// Wraps `mempool_free()`.
///
/// # Safety
///
/// `element` is from `pool` and is not used again. `memory` is the memory of the element, of at
/// least [`MIN_SIZE`] bytes.
#[inline(always)]
pub(crate) unsafe fn mempool_free(element: *mut c_void, pool: *mut mempool, memory: *mut c_void) {
    // SAFETY: `# Safety`: `element` is from `pool` and not used again, and `memory` has room.
    unsafe { drops::mempool_free(element, pool, memory) };
}

/// Whether a value without room for a list node cannot be freed here: on `CONFIG_PREEMPT_RT`, with
/// interrupts or preemption disabled. The caller then leaks the value. This function logs a
/// warning.
#[inline(always)]
#[cfg(CONFIG_PREEMPT_RT)]
pub(crate) fn must_leak(what: &'static str) -> bool {
    // SAFETY: The call has no preconditions.
    let leaks = !unsafe { kalloc_bindings::kalloc_helper_rt_may_free() };
    if leaks {
        warn_leaked(what);
    }
    leaks
}

/// Without `CONFIG_PREEMPT_RT` every value can be freed.
#[inline(always)]
#[cfg(not(CONFIG_PREEMPT_RT))]
pub(crate) fn must_leak(_: &'static str) -> bool {
    false
}

#[cfg(CONFIG_PREEMPT_RT)]
#[cold]
#[inline(never)]
fn warn_leaked(what: &str) {
    kernel::pr_warn!(
        "{what} was dropped with interrupts or preemption disabled, where PREEMPT_RT cannot free it: it is leaked\n"
    );
}

/// A value that the kernel crate frees, such as an `Arc`. It is leaked where [`must_leak`] says so.
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
            // Where PREEMPT_RT leaks the value, lockdep on other kernels is told that it does not
            // free there.
            // SAFETY: The call has no preconditions.
            #[cfg(all(CONFIG_PROVE_RAW_LOCK_NESTING, not(CONFIG_PREEMPT_RT)))]
            unsafe {
                kalloc_bindings::kalloc_helper_drop_begin()
            };
            // SAFETY: The value is not used again after `drop`.
            unsafe { ManuallyDrop::drop(&mut self.0) };
            // SAFETY: `kalloc_helper_drop_begin()` was called above.
            #[cfg(all(CONFIG_PROVE_RAW_LOCK_NESTING, not(CONFIG_PREEMPT_RT)))]
            unsafe {
                kalloc_bindings::kalloc_helper_drop_end()
            };
        }
    }
}

/// Wraps `mempool_destroy()`. On `CONFIG_PREEMPT_RT` deferred elements are freed first, and a pool
/// that is dropped with interrupts or preemption disabled is leaked ([`must_leak`]).
///
/// # Safety
///
/// All elements of `pool` are freed, and `pool` is not used again.
#[inline(always)]
pub(crate) unsafe fn mempool_destroy(pool: *mut mempool) {
    if must_leak("a memory pool") {
        return;
    }
    #[cfg(CONFIG_PREEMPT_RT)]
    // SAFETY: Interrupts and preemption are not disabled, as `must_leak` has checked.
    unsafe {
        kalloc_bindings::kalloc_helper_rt_drain()
    };
    // SAFETY: `# Safety`: all elements of `pool` are freed, and `pool` is not used again.
    unsafe { drops::mempool_destroy(pool) };
}

/// Waits until all deferred memory is freed, before a cache is destroyed.
///
/// # Safety
///
/// The caller may sleep.
#[inline(always)]
pub(crate) unsafe fn drain() {
    #[cfg(CONFIG_PREEMPT_RT)]
    // SAFETY: `# Safety`: the caller may sleep.
    unsafe {
        kalloc_bindings::kalloc_helper_rt_drain()
    };
}

/// The workqueue for frees that sleep.
pub(crate) struct Deferred(());

impl Deferred {
    /// Creates the workqueue, when kalloc is loaded.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if memory is short.
    pub(crate) fn create() -> Result<Self> {
        // SAFETY: `create` is called once, in process context.
        to_result(unsafe { kalloc_bindings::kalloc_helper_deferred_create() })?;
        Ok(Self(()))
    }
}

impl Drop for Deferred {
    /// Frees all memory that is still deferred.
    fn drop(&mut self) {
        // SAFETY: The value is dropped in process context, when kalloc is unloaded and no module
        // uses it.
        unsafe { kalloc_bindings::kalloc_helper_deferred_destroy() }
    }
}
