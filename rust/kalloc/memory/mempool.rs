// SPDX-License-Identifier: GPL-2.0

//! Memory pools: allocation that makes progress when there is no memory.
//!
//! C header: [`include/linux/mempool.h`](srctree/include/linux/mempool.h)
//!
//! A pool has a reserve of elements. An allocation first asks the allocator behind the pool, then
//! takes from the reserve, and then, where it may sleep, waits until an element comes back. So it
//! does not fail there:
//!
//! ```
//! use kalloc::mempool::{Mempool, MempoolBox};
//! use kalloc::prelude::*;
//!
//! struct Request { sector: u64 }
//!
//! fn example(task: &mut TaskCx) -> Result {
//!     let pool = Mempool::<Request>::kmalloc(&task, 4)?;
//!     let mut request = MempoolBox::new(&task, &pool, Request { sector: 0 });
//!     request.sector = 8;
//!     Ok(())
//! }
//! ```
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Mempool::kmalloc`] | `mempool_create_kmalloc_pool()` |
//! | [`Mempool::slab`] | `mempool_create_slab_pool()` |
//! | [`Mempool::pages`] | `mempool_create_page_pool()` |
//! | [`MempoolBox::new`], [`MempoolBox::try_new`] | `mempool_alloc()` |
//! | [`MempoolBox::preallocated`] | `mempool_alloc_preallocated()` |
//! | drop of a box | `mempool_free()` |
//! | [`MempoolBulk`] | `mempool_alloc_bulk()`, `mempool_free_bulk()` |
//! | [`Mempool::resize`] | `mempool_resize()` |
//! | drop of a pool | `mempool_destroy()` |
//!
//! A thread that has elements and waits for more can wait for ever: take them all at once, with
//! [`MempoolBulk`], or in another pool.

use crate::{
    alloc::{
        deferred_free::{
            self,
            DropOrLeak, //
        },
        kmalloc, //
    },
    contexts::{
        grant::Grant,
        tokens::TaskCx,
        traits::{
            MayAlloc,
            MayFs,
            MaySleep, //
        },
    },
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::{
            ForMempool,
            WaitsForMempool, //
        },
    },
    ground::sealed::Sealed,
    memory::{
        pooled::{
            owners,
            ForModule,
            Pool,
            PoolRef,
            Pooled,
            PooledUninit, //
        },
        slab::{
            self,
            Cache, //
        },
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        align_of,
        needs_drop,
        size_of, //
    },
    ops::{
        Index,
        IndexMut, //
    },
    pin::Pin,
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
    error::{
        code::{
            EINVAL,
            ENOMEM, //
        },
        to_result,
        Error,
        Result, //
    },
    ffi::c_void,
    page::PAGE_SIZE,
    prelude::{
        InPlaceWrite,
        PinInit, //
    },
};

/// The most elements of a [`MempoolBulk`]: their pointers are on the stack, which has 16 KiB.
pub const MAX_BULK: usize = slab::MAX_BULK;

/// The largest reserve: the kernel keeps a pointer to each element in memory of kmalloc.
pub const MAX_MIN_NR: usize = kmalloc::MAX_SIZE / size_of::<usize>();

// What is behind a pool ------------------------------------------------------------------------------------------------

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
pub struct SlabBacked<O>(O);

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

// The pool -------------------------------------------------------------------------------------------------------------

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
    pool: NonNull<bindings::mempool>,
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

// An element -----------------------------------------------------------------------------------------------------------

/// A `T` in an element of a [`Mempool`]. Dropped, the element goes back: into the reserve, if that
/// is not full.
///
/// An element and an [owner](crate::pooled) of the pool. It may be dropped in every context in which
/// it may be made.
pub type MempoolBox<T, O, B = KmallocBacked, const BULK: usize = 1> =
    Pooled<Mempool<T, B, BULK>, O>;

/// An element of a [`Mempool`] with nothing in it yet.
pub type MempoolMemory<T, O, B = KmallocBacked, const BULK: usize = 1> =
    PooledUninit<Mempool<T, B, BULK>, O>;

/// The kernel gives NULL only where it does not wait.
///
/// Generic, so that it is in the object of its caller, where objtool sees that it does not return.
#[allow(clippy::extra_unused_type_parameters)]
#[cold]
#[inline(never)]
fn waited_for_nothing<T>() -> ! {
    panic!("kalloc: NULL from a memory pool that waits")
}

impl<T, B, O, const BULK: usize> MempoolBox<T, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    /// Wraps `mempool_alloc()`.
    #[inline(always)]
    fn alloc<G: Grant>(_grant: G, owner: O) -> Option<PooledUninit<Mempool<T, B, BULK>, O>> {
        const { assert!(!G::ON_NODE, "the reserve of a pool is not for one node") };
        // SAFETY: The pool is there, since it has an owner, and the flags are legal in this
        // context, which is what the grant says.
        let element = unsafe { calls::mempool_alloc(owner.pool().pool.as_ptr(), G::Flags::BITS) };
        // SAFETY: The pool gave an element of its backing.
        let object = unsafe { B::object(NonNull::new(element)?) };
        // SAFETY: It is an element of this pool, with room for a `T`.
        Some(unsafe { PooledUninit::new(object, owner) })
    }

    /// Moves `value` into an element, wraps `mempool_alloc()`. Waits until there is one.
    ///
    /// A grant for a node does not compile.
    #[inline]
    pub fn new<G>(grant: G, owner: O, value: T) -> Self
    where
        G: Grant<Flags: WaitsForMempool>,
    {
        Self::new_uninit(grant, owner).write(value)
    }

    /// An element, wraps `mempool_alloc()`. Waits until there is one.
    #[inline(always)]
    pub fn new_uninit<G>(grant: G, owner: O) -> PooledUninit<Mempool<T, B, BULK>, O>
    where
        G: Grant<Flags: WaitsForMempool>,
    {
        match Self::alloc(grant, owner) {
            Some(memory) => memory,
            None => waited_for_nothing::<T>(),
        }
    }

    /// Initialises a `T` in an element that it does not leave. Waits until there is one.
    ///
    /// Context: one that may sleep.
    ///
    /// # Errors
    ///
    /// What `init` returns.
    #[inline]
    pub fn pin_init<G, E>(grant: G, owner: O, init: impl PinInit<T, E>) -> Result<Pin<Self>, E>
    where
        G: Grant<Flags: WaitsForMempool>,
    {
        Self::new_uninit(grant, owner).write_pin_init(init)
    }

    /// Moves `value` into an element, wraps `mempool_alloc()`. For every context with allocators.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where neither the allocator nor the reserve has memory, and the
    /// flags do not wait.
    ///
    /// ```
    /// use kalloc::{mempool::{Mempool, MempoolBox}, prelude::*};
    ///
    /// fn complete(cx: &IrqCx<'_>, pool: &Mempool<u64>) -> Result {
    ///     let _event = MempoolBox::try_new(cx, pool, 1)?;
    ///     Ok(())
    /// }
    /// ```
    #[inline]
    pub fn try_new<G>(grant: G, owner: O, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForMempool>,
    {
        match Self::try_new_uninit(grant, owner) {
            Ok(memory) => Ok(memory.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// An element, wraps `mempool_alloc()`. For every context with allocators.
    ///
    /// # Errors
    ///
    /// As [`MempoolBox::try_new`].
    #[inline]
    pub fn try_new_uninit<G>(
        grant: G,
        owner: O,
    ) -> Result<MempoolMemory<T, O, B, BULK>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForMempool>,
    {
        Self::alloc(grant, owner).ok_or_else(G::Flags::failed)
    }

    /// Initialises a `T` in an element that it does not leave. For every context with allocators.
    ///
    /// # Errors
    ///
    /// `ENOMEM` as [`MempoolBox::try_new`], and what `init` returns.
    #[inline]
    pub fn try_pin_init<G, E>(
        grant: G,
        owner: O,
        init: impl PinInit<T, E>,
    ) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForMempool>,
        Error: From<E>,
    {
        Ok(Self::try_new_uninit(grant, owner)?.write_pin_init(init)?)
    }

    /// Moves `value` into an element of the reserve, wraps `mempool_alloc_preallocated()`. Asks no
    /// allocator and does not wait.
    ///
    /// Context: every one in which a `spinlock_t` may be taken, which it does: not an NMI, and on
    /// `CONFIG_PREEMPT_RT` not with interrupts or preemption disabled.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where the reserve is empty.
    ///
    /// ```
    /// use kalloc::{mempool::{Mempool, MempoolBox}, prelude::*};
    ///
    /// /// What is left for the interrupt: whether there was an element for `event`.
    /// fn record(cx: &IrqCx<'_>, pool: &Mempool<u64>, event: u64) -> bool {
    ///     match MempoolBox::preallocated(cx, pool, event) {
    ///         Ok(event) => {
    ///             pr_info!("{}\n", *event);
    ///             true
    ///         }
    ///         Err(_lost) => false,
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn preallocated<C>(
        cx: &C,
        owner: O,
        value: T,
    ) -> Result<Self, AllocFailedWith<<C as MayAlloc>::Flags, T>>
    where
        C: MayAlloc,
    {
        match Self::preallocated_uninit(cx, owner) {
            Ok(memory) => Ok(memory.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// An element of the reserve, wraps `mempool_alloc_preallocated()`.
    ///
    /// # Errors
    ///
    /// As [`MempoolBox::preallocated`].
    #[inline]
    pub fn preallocated_uninit<C>(
        _cx: &C,
        owner: O,
    ) -> Result<MempoolMemory<T, O, B, BULK>, AllocFailed<<C as MayAlloc>::Flags>>
    where
        C: MayAlloc,
    {
        // SAFETY: The pool is there, since it has an owner. It takes a `spinlock_t`, which may be
        // done where the allocators work.
        let element = unsafe { bindings::mempool_alloc_preallocated(owner.pool().pool.as_ptr()) };
        let element = NonNull::new(element).ok_or_else(<C as MayAlloc>::Flags::failed)?;
        // SAFETY: The pool gave an element of its backing.
        let object = unsafe { B::object(element) };
        // SAFETY: It is an element of this pool, with room for a `T`.
        Ok(unsafe { PooledUninit::new(object, owner) })
    }
}

// Many elements at once ------------------------------------------------------------------------------------------------

/// `N` elements of a [`Mempool`] with one owner, wraps `mempool_alloc_bulk()` and
/// `mempool_free_bulk()`.
///
/// The kernel asks for `GFP_KERNEL` and waits, so this is for contexts that may. `N` is at most the
/// `BULK` of the pool, below which its reserve never is, and at most [`MAX_BULK`].
///
/// ```
/// use kalloc::{mempool::{Mempool, MempoolBulk, KmallocBacked}, prelude::*};
///
/// fn stripe(task: &TaskCx, pool: &Mempool<[u8; 512], KmallocBacked, 4>) {
///     let mut blocks = MempoolBulk::<_, 4, _, _, 4>::from_fn(task, pool, |_| [0; 512]);
///     blocks[3][0] = 1;
/// }
/// ```
///
/// # Invariants
///
/// `elements` are from the pool of `owner`, hold a valid `T` each, and are ours alone.
pub struct MempoolBulk<T, const N: usize, O, B = KmallocBacked, const BULK: usize = N>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    elements: [NonNull<c_void>; N],
    owner: DropOrLeak<O>,
    _object: PhantomData<(T, B)>,
}

// SAFETY: It owns the objects, and a pool may be used from every thread.
unsafe impl<T: Send, const N: usize, O, B, const BULK: usize> Send for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>> + Send,
{
}
// SAFETY: Shared, it gives no more than `&T`.
unsafe impl<T: Sync, const N: usize, O, B, const BULK: usize> Sync for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>> + Sync,
{
}

impl<T, const N: usize, O, B, const BULK: usize> MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    /// `N` elements, each with what `f` makes from its index, wraps `mempool_alloc_bulk()`. Waits
    /// until there are as many.
    ///
    /// More than `BULK` of them or [`MAX_BULK`], or none, do not compile.
    pub fn from_fn<C: MayFs>(_cx: &C, owner: O, mut f: impl FnMut(usize) -> T) -> Self {
        const {
            assert!(N > 0, "a bulk of no elements");
            assert!(N <= MAX_BULK, "a bulk is on the stack: at most 64");
            assert!(
                N <= BULK,
                "a bulk of more elements than the reserve is sure to have"
            );
        };
        let mut elements = [ptr::null_mut(); N];
        // SAFETY: The pool is there, since it has an owner, and has a `min_nr` of at least `N`.
        // There is room for `N` pointers. It allocates with GFP_KERNEL and waits, which the caller
        // may.
        unsafe {
            calls::mempool_alloc_bulk(owner.pool().pool.as_ptr(), elements.as_mut_ptr(), N as u32)
        };
        let elements = elements.map(|element| match NonNull::new(element) {
            Some(element) => element,
            None => waited_for_nothing::<T>(),
        });
        for (index, element) in elements.iter().enumerate() {
            // SAFETY: The pool gave an element of its backing.
            let object = unsafe { B::object(*element) };
            // SAFETY: It has room for a `T`.
            unsafe { object.write(f(index)) };
        }
        // INVARIANT: All were just allocated and initialised.
        Self {
            elements,
            owner: DropOrLeak::new(owner),
            _object: PhantomData,
        }
    }

    /// The objects.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        (0..N).map(|index| &self[index])
    }
}

impl<T, const N: usize, O, B, const BULK: usize> Index<usize> for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    type Output = T;
    #[inline]
    fn index(&self, index: usize) -> &T {
        // SAFETY: By the invariant it is an element of a pool with this backing.
        let object = unsafe { B::object(self.elements[index]) };
        // SAFETY: By the invariant it holds a valid `T`.
        unsafe { object.as_ref() }
    }
}

impl<T, const N: usize, O, B, const BULK: usize> IndexMut<usize> for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: By the invariant it is an element of a pool with this backing.
        let mut object = unsafe { B::object(self.elements[index]) };
        // SAFETY: By the invariant it holds a valid `T`, and `self` is borrowed exclusively.
        unsafe { object.as_mut() }
    }
}

impl<T, const N: usize, O, B, const BULK: usize> Drop for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    fn drop(&mut self) {
        if const { needs_drop::<T>() } {
            for element in self.elements {
                // SAFETY: By the invariant it is an element of a pool with this backing.
                let object = unsafe { B::object(element) };
                // SAFETY: By the invariant it holds a valid `T`, which is not used again.
                unsafe { ptr::drop_in_place(object.as_ptr()) };
            }
        }
        #[cfg_attr(CONFIG_PREEMPT_RT, expect(unused_mut))]
        let mut elements = self.elements.map(NonNull::as_ptr);
        let pool = self.owner.pool().pool.as_ptr();
        // The bulk function takes a sleeping lock, where the elements have to wait one by one.
        #[cfg(CONFIG_PREEMPT_RT)]
        let kept = 0;
        #[cfg(not(CONFIG_PREEMPT_RT))]
        // SAFETY: By the invariant all are elements of this pool, and they are not used again.
        let kept =
            unsafe { deferred_free::mempool_free_bulk(pool, elements.as_mut_ptr(), N as u32) };
        for element in &elements[kept as usize..] {
            // SAFETY: By the invariant an element is not NULL.
            let object = unsafe { NonNull::new_unchecked(*element) };
            // SAFETY: By the invariant it is an element of a pool with this backing.
            let memory = unsafe { B::object(object) };
            // SAFETY: As above; the reserve has not taken this one.
            unsafe { deferred_free::mempool_free(*element, pool, memory.as_ptr().cast()) };
        }
    }
}

impl<T, const N: usize, O, B, const BULK: usize> fmt::Debug for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MempoolBulk").field("len", &N).finish()
    }
}

owners! {
    {T, B: Backing<T>, const BULK: usize} Mempool<T, B, BULK>;
}
