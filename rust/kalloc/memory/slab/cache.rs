// SPDX-License-Identifier: GPL-2.0

//! [`Cache`], and [`SlabBox`] for a single object.

use super::raw::{
    Extra,
    RawCache, //
};
use super::*;
use crate::{
    alloc::allocator::fits,
    contexts::{
        grant::Grant,
        traits::MayFs, //
    },
    flags::{
        allocators::ForSlab,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
    },
    ground::{
        allocator_types::Kmalloc,
        sealed::Sealed, //
    },
    memory::pooled::{
        Pool,
        PoolRef,
        Pooled,
        PooledUninit, //
    },
};
use core::{
    marker::PhantomData,
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    bindings::kmem_cache,
    error::{
        Error,
        Result, //
    },
    prelude::{
        InPlaceWrite,
        Init,
        PinInit,
        Zeroable, //
    },
};

/// A cache of `T`, wraps `struct kmem_cache`.
///
/// Its objects are [`SlabBox`]es. A cache may be dropped in any context: a work item destroys it
/// later. [`Cache::destroy`] destroys it now.
#[doc(alias = "kmem_cache")]
pub struct Cache<T>(pub(super) RawCache, PhantomData<fn() -> T>);

impl<T> Cache<T> {
    /// Creates a cache, wraps `kmem_cache_create()`.
    ///
    /// # Context
    ///
    /// Process context that may sleep, outside memalloc scopes. This takes `slab_mutex`; other
    /// holders of the mutex allocate with `GFP_KERNEL` under it, and may wait for reclaim that a
    /// scope excludes.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a name that is empty or has a blank or a slash. `ENOMEM` if the kernel creates
    /// no cache; the kernel logs a warning. A `T` without size, or too large for a slab, does not
    /// compile.
    #[doc(alias = "kmem_cache_create")]
    pub fn create<C: MayFs>(cx: &C, args: &Args<'_, T>) -> Result<Self> {
        Ok(Self(
            RawCache::create::<T, T, C>(cx, args, Extra::NONE)?,
            PhantomData,
        ))
    }

    /// The kernel's cache, for [`Mempool`](crate::mempool::Mempool).
    pub(crate) fn as_ptr(&self) -> *mut kmem_cache {
        self.0.cache.as_ptr()
    }
}

impl<T> Sealed for Cache<T> {}
impl<T> Pool for Cache<T> {
    type Object = T;

    #[inline(always)]
    unsafe fn free(&self, object: NonNull<T>) {
        // SAFETY: `# Safety` of `Pool::free`: `object` is from this cache and is not used again.
        unsafe { self.0.free(object.as_ptr().cast(), 0) }
    }
}

/// A `T` in memory of a [`Cache`]. Dropping it calls `kmem_cache_free()`.
///
/// A pointer and a [reference](crate::pooled) to the cache. It may be dropped in every context in
/// which it may be made. Dropped on `CONFIG_PREEMPT_RT` with interrupts or preemption disabled, the
/// object is freed soon after, and a reference that is an [`Arc`](kernel::sync::Arc) is leaked with
/// the cache.
///
/// ```
/// use kalloc::{prelude::*, slab::{Cache, SlabBox}};
/// use kernel::sync::Arc;
///
/// struct Request { sector: u64 }
///
/// /// Lives on its own, and keeps the cache.
/// fn request(cx: &AtomicCx<'_>, cache: &Arc<Cache<Request>>) -> Result<SlabBox<Request, Arc<Cache<Request>>>> {
///     Ok(SlabBox::new(cx, cache.clone(), Request { sector: 0 })?)
/// }
/// ```
#[doc(alias = "kmem_cache_free")]
pub type SlabBox<T, O> = Pooled<Cache<T>, O>;

impl<T, O: PoolRef<Cache<T>>> SlabBox<T, O> {
    /// Moves `value` into new memory of the cache, wraps `kmem_cache_alloc()`.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the allocation fails.
    #[doc(alias = "kmem_cache_alloc")]
    #[inline]
    pub fn new<G>(grant: G, pool_ref: O, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForSlab>,
    {
        match Self::new_uninit(grant, pool_ref) {
            Ok(memory) => Ok(memory.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory of the cache, wraps `kmem_cache_alloc()`.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails. With `nofail` a type larger than a page does not
    /// compile.
    #[inline(always)]
    pub fn new_uninit<G>(
        grant: G,
        pool_ref: O,
    ) -> Result<PooledUninit<Cache<T>, O>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForSlab>,
    {
        const { fits::<T, Kmalloc, G::Flags>() };
        let object = NonNull::new(pool_ref.pool().0.alloc(grant)).ok_or_else(G::Flags::failed)?;
        // SAFETY: New memory of this cache, whose objects have the size and alignment of a `T`.
        Ok(unsafe { PooledUninit::new(object.cast(), pool_ref) })
    }

    /// A zeroed object, wraps `kmem_cache_zalloc()`.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// As [`SlabBox::new_uninit`].
    #[doc(alias = "kmem_cache_zalloc")]
    #[inline]
    pub fn zeroed<G>(grant: G, pool_ref: O) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForSlab>,
    {
        let memory = Self::new_uninit(grant.zeroed(), pool_ref).map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed, and `T: Zeroable`.
        Ok(unsafe { memory.assume_init() })
    }

    /// Moves `value` into new memory and pins it there, wraps `kmem_cache_alloc()`.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// As [`SlabBox::new`].
    #[inline]
    pub fn pin<G>(
        grant: G,
        pool_ref: O,
        value: T,
    ) -> Result<Pin<Self>, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForSlab>,
    {
        Ok(Self::new(grant, pool_ref, value)?.into())
    }

    /// Initialises a pinned `T` in new memory, wraps `kmem_cache_alloc()`.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails, and the error of `init`.
    ///
    /// ```
    /// use kalloc::{prelude::*, slab::{Cache, SlabBox}};
    /// use kernel::{new_spinlock, sync::SpinLock};
    ///
    /// #[pin_data]
    /// struct Counter {
    ///     #[pin]
    ///     value: SpinLock<u64>,
    /// }
    ///
    /// fn counter<'a>(task: &TaskCx, cache: &'a Cache<Counter>) -> Result<Pin<SlabBox<Counter, &'a Cache<Counter>>>> {
    ///     SlabBox::pin_init(task, cache, pin_init!(Counter { value <- new_spinlock!(0) }))
    /// }
    /// ```
    #[inline]
    pub fn pin_init<G, E>(
        grant: G,
        pool_ref: O,
        init: impl PinInit<T, E>,
    ) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForSlab>,
        Error: From<E>,
    {
        Ok(Self::new_uninit(grant, pool_ref)?.write_pin_init(init)?)
    }

    /// Initialises a `T` in new memory, wraps `kmem_cache_alloc()`.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails, and the error of `init`.
    #[inline]
    pub fn init<G, E>(grant: G, pool_ref: O, init: impl Init<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: ForSlab>,
        Error: From<E>,
    {
        Ok(Self::new_uninit(grant, pool_ref)?.write_init(init)?)
    }
}
