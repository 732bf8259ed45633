// SPDX-License-Identifier: GPL-2.0

//! Many objects at once.

use super::*;
use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::{
        grant::Grant,
        traits::IrqsOn, //
    },
    flags::{
        gfp::{
            AllocFailed,
            Gfp, //
        },
        matrix::ForSlab,
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

/// The most objects of a [`SlabBulk`]: their pointers are on the stack, which has 16 KiB, and are
/// there more than once when a bulk is moved.
pub const MAX_BULK: usize = 64;

/// `N` objects of a [`Cache`] with one owner, wraps `kmem_cache_alloc_bulk()` and
/// `kmem_cache_free_bulk()`.
///
/// The kernel wants interrupts on for both. Allocating takes a grant of a context that has them on;
/// a drop where they are off frees the objects one by one.
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
/// `objects` are from the cache of `owner`, valid and ours alone.
pub struct SlabBulk<T, const N: usize, O: PoolRef<Cache<T>>> {
    // Not `NonNull`: with a niche in the first of them, the compiler copies all of them once more.
    objects: [*mut T; N],
    owner: DropOrLeak<O>,
}

// SAFETY: It owns the objects, and a cache may be used from every thread.
unsafe impl<T: Send, const N: usize, O: PoolRef<Cache<T>> + Send> Send for SlabBulk<T, N, O> {}
// SAFETY: Shared, it gives no more than `&T`.
unsafe impl<T: Sync, const N: usize, O: PoolRef<Cache<T>> + Sync> Sync for SlabBulk<T, N, O> {}

impl<T, const N: usize, O: PoolRef<Cache<T>>> SlabBulk<T, N, O> {
    /// `N` objects, each made by `f` from its index: all, or none. Wraps `kmem_cache_alloc_bulk()`.
    ///
    /// Context: as the flags, with interrupts on.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory for all of them. An `N` of 0 or above [`MAX_BULK`], or a
    /// grant for a node, which the kernel does not ask for in bulk, does not compile.
    #[inline]
    pub fn from_fn<G>(
        _grant: G,
        owner: O,
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
        // SAFETY: The cache is there, since it has an owner, the flags are legal in this context
        // and interrupts are on, which is what the grant says, and there is room for `N` pointers.
        let done = unsafe {
            calls::kmem_cache_alloc_bulk(
                owner.pool().as_ptr(),
                G::Flags::BITS,
                N,
                objects.as_mut_ptr().cast(),
            )
        };
        if !done {
            return Err(G::Flags::failed());
        }
        // SAFETY: The kernel has written `N` pointers, none of them NULL.
        let objects = unsafe { objects.assume_init() };
        for (index, &object) in objects.iter().enumerate() {
            // SAFETY: New memory of this cache, whose objects have the size and alignment of a `T`.
            unsafe { object.write(f(index)) };
        }
        // INVARIANT: All were just allocated and initialised.
        Ok(Self {
            objects,
            owner: DropOrLeak::new(owner),
        })
    }

    /// A box for each of them.
    #[inline]
    pub fn into_boxes(self) -> [SlabBox<T, O>; N]
    where
        O: Clone,
    {
        let this = ManuallyDrop::new(self);
        // SAFETY: `self` is not used again.
        let owner = unsafe { ptr::read(&this.owner) };
        this.objects.map(|object| {
            // SAFETY: By the invariant it is valid, and so not NULL.
            let object = unsafe { NonNull::new_unchecked(object) };
            // SAFETY: By the invariant it is memory of this cache, which is ours to give.
            let memory = unsafe { PooledUninit::new(object, O::clone(&owner)) };
            // SAFETY: By the invariant it is initialised.
            unsafe { memory.assume_init() }
        })
    }

    /// The objects.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        // SAFETY: By the invariant.
        self.objects.iter().map(|object| unsafe { &**object })
    }

    /// The objects, to be changed.
    #[inline]
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = &mut T> {
        self.objects
            .iter_mut()
            // SAFETY: By the invariant, and `self` is borrowed exclusively.
            .map(|object| unsafe { &mut **object })
    }
}

impl<T, const N: usize, O: PoolRef<Cache<T>>> Index<usize> for SlabBulk<T, N, O> {
    type Output = T;
    #[inline]
    fn index(&self, index: usize) -> &T {
        // SAFETY: By the invariant.
        unsafe { &*self.objects[index] }
    }
}

impl<T, const N: usize, O: PoolRef<Cache<T>>> IndexMut<usize> for SlabBulk<T, N, O> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: By the invariant, and `self` is borrowed exclusively.
        unsafe { &mut *self.objects[index] }
    }
}

impl<T, const N: usize, O: PoolRef<Cache<T>>> Drop for SlabBulk<T, N, O> {
    #[inline]
    fn drop(&mut self) {
        if const { needs_drop::<T>() } {
            for object in self.objects {
                // SAFETY: By the invariant; the object is not used again.
                unsafe { ptr::drop_in_place(object) };
            }
        }
        // SAFETY: By the invariant all are from this cache, and they are not used again.
        unsafe {
            kalloc_helper_kmem_cache_free_bulk(
                self.owner.pool().as_ptr(),
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
