// SPDX-License-Identifier: GPL-2.0

//! [`Mempool`]: creating, resizing and destroying a pool.

use super::*;
use crate::{
    alloc::deferred_free::{
        self,
        DropOrLeak, //
    },
    contexts::{
        grant::Grant,
        tokens::TaskCx,
        traits::{
            MayFs,
            MaySleep, //
        },
    },
    flags::{
        allocators::ForMempool,
        gfp::Gfp, //
    },
    ground::sealed::Sealed,
    memory::{
        pooled::{
            pool_refs,
            ForModule,
            Pool,
            PoolRef, //
        },
        slab::Cache, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::size_of,
    ptr::NonNull, //
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    error::{
        code::{
            EINVAL,
            ENOMEM, //
        },
        to_result,
        Result, //
    },
};

/// A pool of elements for a `T`, wraps `mempool_t`.
///
/// Its reserve has at least `BULK` elements, the limit of a [`MempoolBulk`].
///
/// # Context
///
/// Dropping a pool frees the reserve and does not sleep. A pool may be dropped in every context in
/// which its elements may be dropped, except with interrupts or preemption disabled on
/// `CONFIG_PREEMPT_RT`: there the kernel warns, and the pool is leaked. Never in NMI.
///
/// # Invariants
///
/// `pool` is an owned kernel pool of elements from `backing`. Its `min_nr` is at least `BULK`, and
/// at least 1.
#[doc(alias("mempool_t", "mempool_destroy"))]
pub struct Mempool<T, B: Backing<T> = KmallocBacked, const BULK: usize = 1> {
    pub(super) pool: NonNull<bindings::mempool>,
    // Dropped after the pool, and leaked with it: see `deferred_free::must_leak`.
    #[expect(dead_code)]
    backing: DropOrLeak<B>,
    _element: PhantomData<fn() -> T>,
}

// SAFETY: Functions of `mempool_t` may be called from any thread.
unsafe impl<T, B: Backing<T> + Send, const BULK: usize> Send for Mempool<T, B, BULK> {}
// SAFETY: Functions of `mempool_t` may be called concurrently.
unsafe impl<T, B: Backing<T> + Sync, const BULK: usize> Sync for Mempool<T, B, BULK> {}

impl<T, const BULK: usize> Mempool<T, KmallocBacked, BULK> {
    /// A pool with a reserve of `min_nr` elements from kmalloc, wraps
    /// `mempool_create_kmalloc_pool()`.
    ///
    /// [`Grant::on`] chooses the node of the pool's own data.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `min_nr` is 0, below `BULK` or above [`MAX_MIN_NR`]. `ENOMEM` if the allocation
    /// of the reserve fails. A `T` without size, or too large, does not compile.
    #[doc(alias = "mempool_create_kmalloc_pool")]
    pub fn kmalloc<G>(grant: G, min_nr: usize) -> Result<Self>
    where
        G: Grant<Flags: ForMempool, Context: MaySleep>,
    {
        Self::create(grant, min_nr, KmallocBacked)
    }
}

impl<T, O: PoolRef<Cache<T>>, const BULK: usize> Mempool<T, SlabBacked<O>, BULK> {
    /// A pool with a reserve of `min_nr` objects of a cache, wraps `mempool_create_slab_pool()`.
    ///
    /// # Errors
    ///
    /// As [`Mempool::kmalloc`].
    ///
    /// ```
    /// use kalloc::{mempool::{Mempool, SlabBacked}, prelude::*, slab::Cache};
    /// use kernel::sync::Arc;
    ///
    /// fn reserve(task: &TaskCx, cache: Arc<Cache<u64>>) -> Result<Mempool<u64, SlabBacked<Arc<Cache<u64>>>>> {
    ///     Mempool::slab(task, 16, cache)
    /// }
    /// ```
    #[doc(alias = "mempool_create_slab_pool")]
    pub fn slab<G>(grant: G, min_nr: usize, cache: O) -> Result<Self>
    where
        G: Grant<Flags: ForMempool, Context: MaySleep>,
    {
        Self::create(grant, min_nr, SlabBacked(cache))
    }
}

impl<T, const BULK: usize> Mempool<T, PageBacked, BULK> {
    /// A pool with a reserve of `min_nr` blocks of pages, wraps `mempool_create_page_pool()`.
    ///
    /// # Errors
    ///
    /// As [`Mempool::kmalloc`].
    ///
    /// ```
    /// use kalloc::{mempool::{Mempool, PageBacked}, prelude::*};
    ///
    /// fn pages(task: &TaskCx) -> Result<Mempool<[u8; 4096], PageBacked>> {
    ///     Mempool::pages(task, 16)
    /// }
    /// ```
    #[doc(alias = "mempool_create_page_pool")]
    pub fn pages<G>(grant: G, min_nr: usize) -> Result<Self>
    where
        G: Grant<Flags: ForMempool, Context: MaySleep>,
    {
        Self::create(grant, min_nr, PageBacked)
    }
}

impl<T, B: Backing<T>, const BULK: usize> Mempool<T, B, BULK> {
    /// Checks `min_nr` and converts it for the kernel.
    fn reserve(min_nr: usize) -> Result<i32> {
        if min_nr == 0 || !(BULK..=MAX_MIN_NR).contains(&min_nr) {
            return Err(EINVAL);
        }
        i32::try_from(min_nr).map_err(|_| EINVAL)
    }

    /// Wraps `mempool_create_node()`.
    fn create<G>(grant: G, min_nr: usize, backing: B) -> Result<Self>
    where
        G: Grant<Flags: ForMempool, Context: MaySleep>,
    {
        const { assert!(size_of::<T>() != 0, "a pool of elements of no size") };
        let min_nr = Self::reserve(min_nr)?;
        let (alloc, free, data) = backing.functions();
        // SAFETY: The functions and `data` match (contract of `Backing`). The grant proves that the
        // flags are legal in this context, and that `nid` is `NUMA_NO_NODE` or a node that is or
        // was online. `MaySleep`: the context may sleep.
        let pool = unsafe {
            calls::mempool_create_node(min_nr, alloc, free, data, G::Flags::BITS, grant.nid())
        };
        // INVARIANT: It was created above with this `min_nr`.
        Ok(Self {
            pool: NonNull::new(pool).ok_or(ENOMEM)?,
            backing: DropOrLeak::new(backing),
            _element: PhantomData,
        })
    }

    /// Changes the size of the reserve, wraps `mempool_resize()`.
    ///
    /// Surplus elements are freed now. A larger reserve is filled as far as memory allows, and
    /// later by elements that are freed. Elements may be in use meanwhile. A mutex serialises
    /// calls, which the kernel requires of its callers.
    ///
    /// # Context
    ///
    /// Process context that may sleep, outside memalloc scopes.
    ///
    /// # Errors
    ///
    /// As [`Mempool::kmalloc`]. The reserve is unchanged then.
    ///
    /// ```
    /// use kalloc::{mempool::Mempool, prelude::*};
    ///
    /// /// A queue that has become deeper must be able to have more in flight.
    /// fn deepen(task: &TaskCx, pool: &Mempool<[u8; 512]>, depth: usize) -> Result {
    ///     if depth > pool.min_nr() {
    ///         pool.resize(task, depth)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[doc(alias = "mempool_resize")]
    pub fn resize<C: MayFs>(&self, _cx: &C, min_nr: usize) -> Result {
        let min_nr = Self::reserve(min_nr)?;
        // SAFETY: Invariant of `Mempool`: the pool is valid. `min_nr` is above 0. `C: MayFs`: the
        // context may sleep and allocate with `GFP_KERNEL`. The helper's mutex excludes concurrent
        // resizing.
        to_result(unsafe { kalloc_helper_mempool_resize(self.pool.as_ptr(), min_nr) })
    }

    /// The target size of the reserve.
    pub fn min_nr(&self) -> usize {
        // SAFETY: Invariant of `Mempool`: the pool is valid. The kernel reads the field without a
        // lock, too.
        unsafe { (&raw const (*self.pool.as_ptr()).min_nr).read_volatile() as usize }
    }

    /// The current number of elements in the reserve.
    pub fn curr_nr(&self) -> usize {
        // SAFETY: Invariant of `Mempool`: the pool is valid. The kernel reads the field without a
        // lock, too.
        unsafe { (&raw const (*self.pool.as_ptr()).curr_nr).read_volatile() as usize }
    }
}

impl<T, B: Backing<T>, const BULK: usize> Drop for Mempool<T, B, BULK> {
    fn drop(&mut self) {
        // SAFETY: Invariant of `Mempool`: the pool is owned. It is not used again. Contract of
        // `Backing`: freeing an element does not sleep.
        unsafe { deferred_free::mempool_destroy(self.pool.as_ptr()) };
    }
}

impl<T, B: Backing<T>, const BULK: usize> fmt::Debug for Mempool<T, B, BULK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mempool")
            .field("min_nr", &self.min_nr())
            .field("curr_nr", &self.curr_nr())
            .finish()
    }
}

impl<T, B: Backing<T>, const BULK: usize> Sealed for Mempool<T, B, BULK> {}
impl<T, B: Backing<T>, const BULK: usize> Pool for Mempool<T, B, BULK> {
    type Object = T;

    #[inline(always)]
    unsafe fn free(&self, object: NonNull<T>) {
        let memory = object.as_ptr().cast();
        // SAFETY: `# Safety` of `Pool::free`: `object` is the memory of an element of this pool.
        let element = unsafe { B::element(object) }.as_ptr();
        // SAFETY: `# Safety` of `Pool::free`: an element of this pool, which is not used again.
        unsafe { deferred_free::mempool_free(element, self.pool.as_ptr(), memory) }
    }
}

macro_rules! for_module {
    ($($backing:ident, $create:ident;)*) => {$(
        impl<T: 'static, const BULK: usize> ForModule for Mempool<T, $backing, BULK> {
            type Args = usize;

            fn create_for_module(task: &TaskCx, min_nr: &usize) -> Result<Self> {
                Self::$create(task, *min_nr)
            }

            fn destroy_for_module(self, _task: &TaskCx) {}
        }
    )*};
}

for_module! {
    KmallocBacked, kmalloc;
    PageBacked, pages;
}

pool_refs! {
    {T, B: Backing<T>, const BULK: usize} Mempool<T, B, BULK>;
}
