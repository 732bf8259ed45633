// SPDX-License-Identifier: GPL-2.0

//! C's calls under C's names: what each of them is on the kernel that this is built for.
//!
//! Most of these names are macros in C, and the configuration decides what is behind one. This is the
//! one place that knows. A call that is renamed in the next kernel is repaired here.
//!
//! | option | what it changes |
//! | --- | --- |
//! | `CONFIG_MEM_ALLOC_PROFILING` | each macro counts the caller, so a helper in C makes the call |
//! | `CONFIG_KMALLOC_PARTITION_CACHES` | the cache depends on the call site: the same |
//! | `CONFIG_SLAB_BUCKETS` | one more argument, which C's macro gives as NULL |
//! | `CONFIG_NUMA` | without it some functions are inline ones that ignore the node |
//! | `CONFIG_UNINLINE_SPIN_UNLOCK`, `CONFIG_SMP` | whether taking a lock is a call |
//! | `CONFIG_PREEMPT_RT`, `CONFIG_PROVE_RAW_LOCK_NESTING` | what a [drop](drops) may call where it must not sleep |

use kernel::bindings::{self, gfp_t, spinlock_t};

pub use crate::series::enums;

// kmalloc, kvmalloc ----------------------------------------------------------------------------------------------------

/// The size and the flags of a kmalloc, both known at build time.
pub trait Constant {
    /// The size in bytes, above 0 and at most `KMALLOC_MAX_SIZE`.
    const SIZE: usize;
    /// The flags.
    const FLAGS: gfp_t;
}

#[cfg(not(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES)))]
mod kmallocs {
    use super::Constant;
    use crate::*;
    use kernel::{
        bindings::{self, gfp_t},
        ffi::c_void,
    };

    pub use bindings::{
        __kmalloc_noprof as kmalloc, _kmalloc_nolock_noprof as kmalloc_nolock,
        kvrealloc_node_align_noprof as kvrealloc_node_align,
    };

    /// # Safety
    ///
    /// As `kmalloc_node()`.
    #[inline(always)]
    pub unsafe fn kmalloc_node(size: usize, flags: gfp_t, nid: i32) -> *mut c_void {
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
    /// As `krealloc_node()`.
    #[inline(always)]
    pub unsafe fn krealloc_node(
        ptr: *const c_void,
        size: usize,
        flags: gfp_t,
        nid: i32,
    ) -> *mut c_void {
        // SAFETY: As for the caller. C's macro asks for an alignment of 1 too.
        unsafe { bindings::krealloc_node_align_noprof(ptr, size, 1, flags, nid) }
    }

    /// # Safety
    ///
    /// As `kvmalloc_node_align()`.
    #[inline(always)]
    pub unsafe fn kvmalloc_node_align(
        size: usize,
        align: usize,
        flags: gfp_t,
        nid: i32,
    ) -> *mut c_void {
        // SAFETY: As for the caller. The bucket is NULL in C's macro too.
        unsafe {
            bindings::__kvmalloc_node_noprof(
                size,
                #[cfg(CONFIG_SLAB_BUCKETS)]
                core::ptr::null_mut(),
                align,
                flags,
                nid,
            )
        }
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

    /// `kmalloc()` of a constant size, or `kmalloc_node()` with a node: not one call but a choice that
    /// C's compiler makes, of the cache, or of the page allocator above `KMALLOC_MAX_CACHE_SIZE`.
    ///
    /// # Safety
    ///
    /// As `kmalloc_node()`.
    #[inline(always)]
    pub unsafe fn kmalloc_constant<C: Constant>(nid: Option<i32>) -> *mut c_void {
        if const { C::SIZE > KALLOC_CONST_KMALLOC_MAX_CACHE_SIZE } {
            // SAFETY: As for the caller.
            return unsafe {
                match nid {
                    Some(nid) => bindings::__kmalloc_large_node_noprof(C::SIZE, C::FLAGS, nid),
                    None => bindings::__kmalloc_large_noprof(C::SIZE, C::FLAGS),
                }
            };
        }

        // SAFETY: The kernel fills the array before any module runs and does not change it again.
        let cache = unsafe {
            bindings::kmalloc_caches[const { cache_type(C::FLAGS) as usize }]
                [const { cache_index(C::SIZE) }]
        };
        // SAFETY: `cache` is the one that C's macro takes for this size and these flags. The rest is as
        // for the caller.
        unsafe {
            match nid {
                Some(nid) => bindings::__kmalloc_cache_node_noprof(cache, C::FLAGS, nid, C::SIZE),
                None => bindings::__kmalloc_cache_noprof(cache, C::FLAGS, C::SIZE),
            }
        }
    }
}

#[cfg(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES))]
mod kmallocs {
    use super::Constant;
    use kernel::{bindings::gfp_t, ffi::c_void};

    pub use crate::{
        kalloc_helper_kmalloc as kmalloc, kalloc_helper_kmalloc_node as kmalloc_node,
        kalloc_helper_kmalloc_nolock as kmalloc_nolock,
        kalloc_helper_krealloc_node as krealloc_node,
        kalloc_helper_kvmalloc_node_align as kvmalloc_node_align,
        kalloc_helper_kvrealloc_node_align as kvrealloc_node_align,
    };

    /// `kmalloc()`, or `kmalloc_node()` with a node. C makes the choice at run time.
    ///
    /// # Safety
    ///
    /// As `kmalloc_node()`.
    #[inline(always)]
    pub unsafe fn kmalloc_constant<C: Constant>(nid: Option<i32>) -> *mut c_void {
        // SAFETY: As for the caller.
        unsafe {
            match nid {
                Some(nid) => kmalloc_node(C::SIZE, C::FLAGS, nid),
                None => kmalloc(C::SIZE, C::FLAGS),
            }
        }
    }
}

pub use kmallocs::*;

// The other allocators -------------------------------------------------------------------------------------------------

#[cfg(not(CONFIG_MEM_ALLOC_PROFILING))]
mod others {
    use kernel::{
        bindings::{self, gfp_t},
        ffi::c_void,
    };

    pub use crate::{
        __vmalloc_noprof as __vmalloc, series::alloc_pages_node,
        vmalloc_node_noprof as vmalloc_node, vmalloc_noprof as vmalloc,
        vrealloc_node_align_noprof as vrealloc_node_align, vzalloc_node_noprof as vzalloc_node,
        vzalloc_noprof as vzalloc,
    };
    #[cfg(CONFIG_NUMA)]
    pub use bindings::alloc_pages_noprof as alloc_pages;
    pub use bindings::{
        alloc_pages_exact_noprof as alloc_pages_exact, get_free_pages_noprof as get_free_pages,
        kmem_cache_alloc_bulk_noprof as kmem_cache_alloc_bulk,
        kmem_cache_alloc_node_noprof as kmem_cache_alloc_node,
        kmem_cache_alloc_noprof as kmem_cache_alloc,
        mempool_alloc_bulk_noprof as mempool_alloc_bulk, mempool_alloc_noprof as mempool_alloc,
        mempool_create_node_noprof as mempool_create_node,
    };

    /// An inline function in C, since there is but one node.
    ///
    /// # Safety
    ///
    /// As `alloc_pages()`.
    #[cfg(not(CONFIG_NUMA))]
    #[inline(always)]
    pub unsafe fn alloc_pages(flags: gfp_t, order: u32) -> *mut bindings::page {
        // SAFETY: As for the caller.
        unsafe { alloc_pages_node(0, flags, order) }
    }

    /// `__alloc_percpu_gfp()`.
    ///
    /// # Safety
    ///
    /// As for that.
    #[inline(always)]
    pub unsafe fn alloc_percpu(size: usize, align: usize, flags: gfp_t) -> *mut c_void {
        // SAFETY: As for the caller. It is not from the reserved chunk, as in C's macro.
        unsafe { bindings::pcpu_alloc_noprof(size, align, false, flags) }
    }
}

#[cfg(CONFIG_MEM_ALLOC_PROFILING)]
mod others {
    pub use crate::{
        kalloc_helper___vmalloc as __vmalloc, kalloc_helper_alloc_pages as alloc_pages,
        kalloc_helper_alloc_pages_exact as alloc_pages_exact,
        kalloc_helper_alloc_pages_node as alloc_pages_node,
        kalloc_helper_alloc_percpu as alloc_percpu, kalloc_helper_get_free_pages as get_free_pages,
        kalloc_helper_kmem_cache_alloc as kmem_cache_alloc,
        kalloc_helper_kmem_cache_alloc_bulk as kmem_cache_alloc_bulk,
        kalloc_helper_kmem_cache_alloc_node as kmem_cache_alloc_node,
        kalloc_helper_mempool_alloc as mempool_alloc,
        kalloc_helper_mempool_alloc_bulk as mempool_alloc_bulk,
        kalloc_helper_mempool_create_node as mempool_create_node, kalloc_helper_vmalloc as vmalloc,
        kalloc_helper_vmalloc_node as vmalloc_node,
        kalloc_helper_vrealloc_node_align as vrealloc_node_align, kalloc_helper_vzalloc as vzalloc,
        kalloc_helper_vzalloc_node as vzalloc_node,
    };
}

pub use others::*;

/// `kmem_cache_create()`, a macro in C: this is what it calls with a `struct kmem_cache_args`.
pub use bindings::__kmem_cache_create_args as kmem_cache_create;

// Locks ----------------------------------------------------------------------------------------------------------------

#[cfg(all(CONFIG_SMP, CONFIG_UNINLINE_SPIN_UNLOCK))]
pub use bindings::{
    _raw_spin_lock as raw_spin_lock, _raw_spin_lock_irqsave as raw_spin_lock_irqsave,
    _raw_spin_unlock as raw_spin_unlock, _raw_spin_unlock_irqrestore as raw_spin_unlock_irqrestore,
};

// Where C has them inline, or nothing is locked, C does it.
#[cfg(not(all(CONFIG_SMP, CONFIG_UNINLINE_SPIN_UNLOCK)))]
pub use crate::{
    kalloc_helper_raw_spin_lock as raw_spin_lock,
    kalloc_helper_raw_spin_lock_irqsave as raw_spin_lock_irqsave,
    kalloc_helper_raw_spin_unlock as raw_spin_unlock,
    kalloc_helper_raw_spin_unlock_irqrestore as raw_spin_unlock_irqrestore,
};

#[cfg(CONFIG_PREEMPT_RT)]
pub use bindings::{rt_spin_lock as spin_lock, rt_spin_unlock as spin_unlock};

/// `spin_lock()`.
///
/// # Safety
///
/// As for that: the lock is initialised, and code that may run here may take it.
#[cfg(not(CONFIG_PREEMPT_RT))]
#[inline(always)]
pub unsafe fn spin_lock(lock: *mut spinlock_t) {
    // SAFETY: As for the caller. A `spinlock_t` begins with its `raw_spinlock_t`.
    unsafe { raw_spin_lock(lock.cast()) }
}

/// `spin_unlock()`.
///
/// # Safety
///
/// The caller has the lock.
#[cfg(not(CONFIG_PREEMPT_RT))]
#[inline(always)]
pub unsafe fn spin_unlock(lock: *mut spinlock_t) {
    // SAFETY: As for `spin_lock`.
    unsafe { raw_spin_unlock(lock.cast()) }
}

// Drops ----------------------------------------------------------------------------------------------------------------

/// The calls that a drop makes, in whatever context but an NMI.
///
/// On `CONFIG_PREEMPT_RT` memory that cannot be freed where it is dropped is put into a queue: see
/// `rust/helpers/deferred_free.c`. Other kernels free it. With `CONFIG_PROVE_RAW_LOCK_NESTING` lockdep
/// looks for what PREEMPT_RT could not do, and is told that this is not done there.
///
/// [`kmem_cache_free`](drops::kmem_cache_free) and [`mempool_free`](drops::mempool_free) have one
/// argument more than in C: where the memory has room for the node of the queue.
pub mod drops {
    #[cfg(CONFIG_PREEMPT_RT)]
    pub use crate::{
        kalloc_helper_rt___free_pages as __free_pages, kalloc_helper_rt_free_pages as free_pages,
        kalloc_helper_rt_free_pages_exact as free_pages_exact,
        kalloc_helper_rt_free_percpu as free_percpu, kalloc_helper_rt_kfree as kfree,
        kalloc_helper_rt_kfree_sensitive as kfree_sensitive,
        kalloc_helper_rt_kmem_cache_free as kmem_cache_free,
        kalloc_helper_rt_kvfree as kvfree_atomic, kalloc_helper_rt_mempool_free as mempool_free,
    };

    // PREEMPT_RT leaks a pool that is dropped where it cannot be freed.
    #[cfg(CONFIG_PREEMPT_RT)]
    pub use kernel::bindings::mempool_destroy;

    #[cfg(all(not(CONFIG_PREEMPT_RT), CONFIG_PROVE_RAW_LOCK_NESTING))]
    pub use crate::{
        kalloc_helper_drop___free_pages as __free_pages,
        kalloc_helper_drop_free_pages as free_pages,
        kalloc_helper_drop_free_pages_exact as free_pages_exact,
        kalloc_helper_drop_free_percpu as free_percpu, kalloc_helper_drop_kfree as kfree,
        kalloc_helper_drop_kfree_sensitive as kfree_sensitive,
        kalloc_helper_drop_kvfree_atomic as kvfree_atomic,
        kalloc_helper_drop_mempool_destroy as mempool_destroy,
        kalloc_helper_drop_mempool_free_bulk as mempool_free_bulk,
    };

    #[cfg(all(not(CONFIG_PREEMPT_RT), not(CONFIG_PROVE_RAW_LOCK_NESTING)))]
    pub use kernel::bindings::{
        __free_pages, free_pages, free_pages_exact, free_percpu, kfree, kfree_sensitive,
        kvfree_atomic, mempool_destroy, mempool_free_bulk,
    };

    #[cfg(not(CONFIG_PREEMPT_RT))]
    mod without_queue {
        #[cfg(CONFIG_PROVE_RAW_LOCK_NESTING)]
        use crate::{
            kalloc_helper_drop_kmem_cache_free as kmem_cache_free_call,
            kalloc_helper_drop_mempool_free as mempool_free_call,
        };
        #[cfg(not(CONFIG_PROVE_RAW_LOCK_NESTING))]
        use kernel::bindings::{
            kmem_cache_free as kmem_cache_free_call, mempool_free as mempool_free_call,
        };
        use kernel::{
            bindings::{kmem_cache, mempool},
            ffi::c_void,
        };

        /// # Safety
        ///
        /// As `kmem_cache_free()`.
        #[inline(always)]
        pub unsafe fn kmem_cache_free(cache: *mut kmem_cache, object: *mut c_void, _offset: usize) {
            // SAFETY: As for the caller.
            unsafe { kmem_cache_free_call(cache, object) }
        }

        /// # Safety
        ///
        /// As `mempool_free()`.
        #[inline(always)]
        pub unsafe fn mempool_free(element: *mut c_void, pool: *mut mempool, _memory: *mut c_void) {
            // SAFETY: As for the caller.
            unsafe { mempool_free_call(element, pool) }
        }
    }
    #[cfg(not(CONFIG_PREEMPT_RT))]
    pub use without_queue::{kmem_cache_free, mempool_free};
}
