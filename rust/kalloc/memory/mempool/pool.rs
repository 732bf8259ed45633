// SPDX-License-Identifier: GPL-2.0

//! The pool.

use super::*;
use crate::{
    alloc::deferred_free,
    alloc::deferred_free::DropOrLeak,
    contexts::{
        grant::Grant,
        tokens::TaskCx,
        traits::{
            MayFs,
            MaySleep, //
        },
    },
    flags::{
        gfp::Gfp,
        matrix::ForMempool, //
    },
    ground::sealed::Sealed,
    memory::{
        pooled::{
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
    bindings::{
        self, //
    },
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
/// Its reserve never has fewer than `BULK` elements, which is the most that [`MempoolBulk`] takes.
/// Dropped, the reserve is freed, which does not sleep: wherever elements may be dropped, but on
/// `CONFIG_PREEMPT_RT` not with interrupts or preemption disabled. There the kernel warns, and the
/// reserve stays. Never in NMI.
///
/// # Invariants
///
/// `pool` is a pool of the kernel, which this owns, of elements from `backing`, and its `min_nr` is
/// at least `BULK` and 1.
pub struct Mempool<T, B: Backing<T> = KmallocBacked, const BULK: usize = 1> {
    pub(super) pool: NonNull<bindings::mempool>,
    // Dropped after the pool. What stays with its reserve keeps this too: see `deferred_free::must_leak`.
    #[expect(dead_code)]
    backing: DropOrLeak<B>,
    _element: PhantomData<fn() -> T>,
}

// SAFETY: The functions of the kernel may be called from every thread.
unsafe impl<T, B: Backing<T> + Send, const BULK: usize> Send for Mempool<T, B, BULK> {}
// SAFETY: As above, also from several at once.
unsafe impl<T, B: Backing<T> + Sync, const BULK: usize> Sync for Mempool<T, B, BULK> {}

impl<T, const BULK: usize> Mempool<T, KmallocBacked, BULK> {
    /// A pool with a reserve of `min_nr` elements from kmalloc, wraps
    /// `mempool_create_kmalloc_pool()`.
    ///
    /// With [`Grant::on`], the pool's own data are on that node.
    ///
    /// # Errors
    ///
    /// `EINVAL` where `min_nr` is 0, less than `BULK`, or more than [`MAX_MIN_NR`]; `ENOMEM` where
    /// there is no memory for the reserve. A `T` of no size, or too large, does not compile.
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
    pub fn pages<G>(grant: G, min_nr: usize) -> Result<Self>
    where
        G: Grant<Flags: ForMempool, Context: MaySleep>,
    {
        Self::create(grant, min_nr, PageBacked)
    }
}

impl<T, B: Backing<T>, const BULK: usize> Mempool<T, B, BULK> {
    /// `min_nr`, as the kernel takes it and the invariant wants it.
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
        // SAFETY: The two functions belong together and `data` is for them. The flags are legal
        // here, which is what the grant says, and it may sleep. `nid` is NUMA_NO_NODE or that of a
        // node that is or was online.
        let pool = unsafe {
            calls::mempool_create_node(min_nr, alloc, free, data, G::Flags::BITS, grant.nid())
        };
        // INVARIANT: It was just made.
        Ok(Self {
            pool: NonNull::new(pool).ok_or(ENOMEM)?,
            backing: DropOrLeak::new(backing),
            _element: PhantomData,
        })
    }

    /// Changes the size of the reserve, wraps `mempool_resize()`.
    ///
    /// A smaller reserve is freed at once. A larger one is filled as far as there is memory, and
    /// then by elements that come back. Elements may be in use meanwhile. Calls wait for one another,
    /// under a mutex, since the kernel leaves that to its caller.
    ///
    /// # Errors
    ///
    /// As [`Mempool::kmalloc`]; the reserve is then what it was.
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
    pub fn resize<C: MayFs>(&self, _cx: &C, min_nr: usize) -> Result {
        let min_nr = Self::reserve(min_nr)?;
        // SAFETY: By the invariant it is a pool, which lives for as long as `self`, and `min_nr` is
        // above 0. It sleeps and allocates with GFP_KERNEL, which the caller may. Nobody else
        // resizes a pool meanwhile, for which the helper has a mutex.
        to_result(unsafe { kalloc_helper_mempool_resize(self.pool.as_ptr(), min_nr) })
    }

    /// The elements that the reserve should have.
    pub fn min_nr(&self) -> usize {
        // SAFETY: By the invariant it is a pool. The kernel reads the field without a lock too.
        unsafe { (&raw const (*self.pool.as_ptr()).min_nr).read_volatile() as usize }
    }

    /// The elements that the reserve has at the moment.
    pub fn curr_nr(&self) -> usize {
        // SAFETY: By the invariant it is a pool. The kernel reads the field without a lock too.
        unsafe { (&raw const (*self.pool.as_ptr()).curr_nr).read_volatile() as usize }
    }
}

impl<T, B: Backing<T>, const BULK: usize> Drop for Mempool<T, B, BULK> {
    fn drop(&mut self) {
        // SAFETY: By the invariant it is ours, and it is not used again. None of the functions that
        // free an element sleeps, and so this does not.
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
        // SAFETY: By the contract of this function it is the memory of an element of this pool.
        let element = unsafe { B::element(object) }.as_ptr();
        // SAFETY: By the contract of this function it is an element of this pool, not used again.
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
