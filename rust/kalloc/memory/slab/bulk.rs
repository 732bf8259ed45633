// SPDX-License-Identifier: GPL-2.0

//! [`SlabBulk`]: bulk allocation and free.

use super::*;
use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::{
        grant::Grant,
        traits::IrqsOn, //
    },
    flags::{
        allocators::ForSlab,
        gfp::{
            AllocFailed,
            Gfp, //
        },
        properties::MayFail, //
    },
    memory::pooled::{
        PoolRef,
        PooledUninit, //
    },
};
use core::{
    fmt,
    mem::{
        needs_drop,
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::{
        Index,
        IndexMut, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::error::Result;

/// The maximum number of objects in a [`SlabBulk`]. Their pointers are on the stack of 16 KiB, more
/// than once when a bulk is moved.
pub const MAX_BULK: usize = 64;

/// `N` objects of a [`Cache`] with one reference to it, wraps `kmem_cache_alloc_bulk()` and
/// `kmem_cache_free_bulk()`.
///
/// # Context
///
/// The kernel requires interrupts enabled for both. Allocation takes a grant of a context that has
/// them enabled. A drop with interrupts disabled frees the objects one by one.
///
/// ```
/// use kalloc::{prelude::*, slab::{Cache, SlabBulk}};
///
/// fn squares(task: &TaskCx, cache: &Cache<u64>) -> Result<u64> {
///     let bulk = SlabBulk::<_, 16, _>::from_fn(task, cache, |i| (i * i) as u64)?;
///     Ok(bulk.iter().sum())
/// }
/// ```
///
/// # Invariants
///
/// `objects` are valid, initialised objects from the cache of `pool_ref`, owned by this alone.
#[doc(alias("kmem_cache_alloc_bulk", "kmem_cache_free_bulk"))]
pub struct SlabBulk<T, const N: usize, O: PoolRef<Cache<T>>> {
    // Not `NonNull`: its niche would make the compiler copy the array once more.
    objects: [*mut T; N],
    pool_ref: DropOrLeak<O>,
}

// SAFETY: It owns the objects, and any thread may use a cache.
unsafe impl<T: Send, const N: usize, O: PoolRef<Cache<T>> + Send> Send for SlabBulk<T, N, O> {}
// SAFETY: A shared bulk gives only `&T`.
unsafe impl<T: Sync, const N: usize, O: PoolRef<Cache<T>> + Sync> Sync for SlabBulk<T, N, O> {}

impl<T, const N: usize, O: PoolRef<Cache<T>>> SlabBulk<T, N, O> {
    /// `N` objects. `f` makes each from its index. Allocates all of them or none. Wraps
    /// `kmem_cache_alloc_bulk()`.
    ///
    /// # Context
    ///
    /// Any context with interrupts enabled that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation of any fails. An `N` of 0 or above [`MAX_BULK`] does not
    /// compile, nor does a grant for a node: the kernel has no bulk allocation for a node.
    #[inline]
    pub fn from_fn<G>(
        _grant: G,
        pool_ref: O,
        mut f: impl FnMut(usize) -> T,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForSlab + MayFail, Context: IrqsOn>,
    {
        const {
            assert!(N > 0, "a bulk of no objects");
            assert!(N <= MAX_BULK, "a bulk is on the stack: at most 64");
            assert!(!G::ON_NODE, "a bulk is not for one node");
        };
        let mut objects = MaybeUninit::<[*mut T; N]>::uninit();
        // SAFETY: `pool_ref` keeps the cache valid. The grant proves that the flags are legal in this
        // context and that interrupts are enabled. `objects` has space for `N` pointers.
        let done = unsafe {
            calls::kmem_cache_alloc_bulk(
                pool_ref.pool().as_ptr(),
                G::Flags::BITS,
                N,
                objects.as_mut_ptr().cast(),
            )
        };
        if !done {
            return Err(G::Flags::failed());
        }
        // SAFETY: The kernel has written `N` pointers to objects.
        let objects = unsafe { objects.assume_init() };
        for (index, &object) in objects.iter().enumerate() {
            // SAFETY: New memory of this cache, whose objects have the size and alignment of a `T`.
            unsafe { object.write(f(index)) };
        }
        // INVARIANT: All were allocated and initialised above.
        Ok(Self {
            objects,
            pool_ref: DropOrLeak::new(pool_ref),
        })
    }

    /// A box for each object.
    #[inline]
    pub fn into_boxes(self) -> [SlabBox<T, O>; N]
    where
        O: Clone,
    {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped, and its `pool_ref` is not used again.
        let pool_ref = unsafe { ptr::read(&this.pool_ref) };
        this.objects.map(|object| {
            // SAFETY: Invariant of `SlabBulk`: the object is valid, so it is not NULL.
            let object = unsafe { NonNull::new_unchecked(object) };
            // SAFETY: Invariant of `SlabBulk`: the object is owned memory of this cache.
            let memory = unsafe { PooledUninit::new(object, O::clone(&pool_ref)) };
            // SAFETY: Invariant of `SlabBulk`: the object is initialised.
            unsafe { memory.assume_init() }
        })
    }

    /// Iterates over the objects.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        // SAFETY: Invariant of `SlabBulk`: the objects are valid and initialised.
        self.objects.iter().map(|object| unsafe { &**object })
    }

    /// Iterates over the objects mutably.
    #[inline]
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = &mut T> {
        self.objects
            .iter_mut()
            // SAFETY: Invariant of `SlabBulk`: the objects are valid. `self` is borrowed
            // exclusively.
            .map(|object| unsafe { &mut **object })
    }
}

impl<T, const N: usize, O: PoolRef<Cache<T>>> Index<usize> for SlabBulk<T, N, O> {
    type Output = T;
    #[inline]
    fn index(&self, index: usize) -> &T {
        // SAFETY: Invariant of `SlabBulk`: the objects are valid and initialised.
        unsafe { &*self.objects[index] }
    }
}

impl<T, const N: usize, O: PoolRef<Cache<T>>> IndexMut<usize> for SlabBulk<T, N, O> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: Invariant of `SlabBulk`: the objects are valid. `self` is borrowed exclusively.
        unsafe { &mut *self.objects[index] }
    }
}

impl<T, const N: usize, O: PoolRef<Cache<T>>> Drop for SlabBulk<T, N, O> {
    #[inline]
    fn drop(&mut self) {
        if const { needs_drop::<T>() } {
            for object in self.objects {
                // SAFETY: Invariant of `SlabBulk`: the object is initialised. It is not used again.
                unsafe { ptr::drop_in_place(object) };
            }
        }
        // SAFETY: Invariant of `SlabBulk`: all objects are from this cache. They are not used
        // again.
        unsafe {
            kalloc_helper_kmem_cache_free_bulk(
                self.pool_ref.pool().as_ptr(),
                N,
                self.objects.as_mut_ptr().cast(),
            )
        };
    }
}

impl<T, const N: usize, O: PoolRef<Cache<T>>> fmt::Debug for SlabBulk<T, N, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlabBulk").field("len", &N).finish()
    }
}
