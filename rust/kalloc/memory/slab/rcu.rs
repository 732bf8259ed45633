// SPDX-License-Identifier: GPL-2.0

//! [`RcuCache`]: type-safe caches, `SLAB_TYPESAFE_BY_RCU`.

use super::raw::{
    offset_after,
    Extra,
    RawCache, //
};
use super::*;
use crate::{
    alloc::{
        allocator::fits,
        deferred_free::DropOrLeak, //
    },
    contexts::{
        grant::Grant,
        traits::MayFs, //
    },
    flags::{
        allocators::ForConstructed,
        gfp::{
            AllocFailed,
            Gfp, //
        },
    },
    ground::{
        allocator_types::Kmalloc,
        sealed::Sealed, //
    },
    memory::pooled::PoolRef,
    sections::guards::ReadSide,
    series, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        needs_drop,
        ManuallyDrop, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    error::Result,
    ffi::c_void,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Refcount, //
    },
};

/// An object of an [`RcuCache`] with its reference count. The layout holds while the object is
/// free, too.
#[repr(C)]
struct Counted<T> {
    /// 0 while the object is free.
    refs: Refcount,
    value: T,
}

/// The constructor of `Counted<T>`, called by the slab allocator.
///
/// # Safety
///
/// `object` is valid for writes of a `Counted<T>` that does not move.
unsafe extern "C" fn construct_counted<T: Construct>(object: *mut c_void) {
    let object = object.cast::<Counted<T>>();
    // SAFETY: `# Safety`: `object` is valid for writes of a `Counted<T>`.
    unsafe { (&raw mut (*object).refs).write(Refcount::new(0)) };
    // SAFETY: `# Safety`: `object` is valid for writes of a `Counted<T>` that does not move.
    unsafe { series::raw_init(&raw mut (*object).value, T::construct()) };
}

/// A cache whose memory keeps its type during an RCU read-side critical section, wraps
/// `kmem_cache_create()` with `SLAB_TYPESAFE_BY_RCU`.
///
/// A freed object may be reused at once for another object of the same type. So a lookup first
/// takes a reference, which fails for a free object, and then checks the identity of the object.
/// [`RcuSlot::get`] does both.
///
/// [`Construct`] initialises the objects, and users have only `&T`: atomics and locks. `T` has no
/// drop glue.
#[doc(alias = "SLAB_TYPESAFE_BY_RCU")]
pub struct RcuCache<T>(pub(super) RawCache, PhantomData<fn() -> T>);

impl<T: Construct + Sync> RcuCache<T> {
    /// Creates a cache, wraps `kmem_cache_create()`.
    ///
    /// # Context
    ///
    /// Process context that may sleep, outside memalloc scopes.
    ///
    /// # Errors
    ///
    /// As [`Cache::create`]. A `T` with drop glue does not compile.
    ///
    /// ```
    /// use kalloc::{prelude::*, slab::{Args, Construct, RcuCache}};
    /// use kernel::sync::{atomic::Atomic as AtomicCell, Arc};
    ///
    /// struct Session { id: AtomicCell<u64> }
    ///
    /// impl Construct for Session {
    ///     fn construct() -> impl PinInit<Self> {
    ///         init!(Session { id: AtomicCell::new(0) })
    ///     }
    /// }
    ///
    /// /// Shared by the objects, and freed with the last object.
    /// fn sessions(task: &TaskCx) -> Result<Arc<RcuCache<Session>>> {
    ///     Ok(Arc::new_with(task, RcuCache::create(task, &Args::new(c"session"))?)?)
    /// }
    /// ```
    pub fn create<C: MayFs>(cx: &C, args: &Args<'_, T>) -> Result<Self> {
        const {
            assert!(
                !needs_drop::<T>(),
                "an object that readers may still see is not dropped: its type must not have drop glue"
            )
        };
        let extra = Extra {
            offset: core::mem::offset_of!(Counted<T>, value),
            flags: KALLOC_CONST_SLAB_TYPESAFE_BY_RCU,
            ctor: Some(construct_counted::<T>),
        };
        Ok(Self(
            RawCache::create::<T, Counted<T>, C>(cx, args, extra)?,
            PhantomData,
        ))
    }
}

impl<T> Sealed for RcuCache<T> {}

/// A counted reference to an object of an [`RcuCache`]. Dropping the last one frees the object.
///
/// # Invariants
///
/// `object` is from the cache of `pool_ref`. This owns one of its references.
pub struct RcuRef<T: Construct + Sync, O: PoolRef<RcuCache<T>>> {
    object: NonNull<Counted<T>>,
    pool_ref: DropOrLeak<O>,
    _cache: PhantomData<RcuCache<T>>,
}

// SAFETY: It gives only `&T` of a `T: Sync`. Dropping the last reference frees without dropping the
// `T`.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Send> Send for RcuRef<T, O> {}
// SAFETY: As above.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Sync> Sync for RcuRef<T, O> {}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>>> RcuRef<T, O> {
    /// A new object, wraps `kmem_cache_alloc()`.
    ///
    /// `init` updates the object, which still has its last user's contents, through `&T`. Readers
    /// get references only after `init` returns.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails. With `nofail` a type larger than a page does not
    /// compile.
    ///
    /// ```
    /// use kalloc::{prelude::*, slab::{Construct, RcuCache, RcuRef}};
    /// use kernel::sync::atomic::{Atomic as AtomicCell, Relaxed};
    ///
    /// struct Session { id: AtomicCell<u64> }
    ///
    /// impl Construct for Session {
    ///     fn construct() -> impl PinInit<Self> {
    ///         init!(Session { id: AtomicCell::new(0) })
    ///     }
    /// }
    ///
    /// fn session<'a>(
    ///     cx: &AtomicCx<'_>,
    ///     cache: &'a RcuCache<Session>,
    ///     id: u64,
    /// ) -> Result<RcuRef<Session, &'a RcuCache<Session>>> {
    ///     Ok(RcuRef::new(cx, cache, |session| session.id.store(id, Relaxed))?)
    /// }
    /// ```
    #[inline]
    pub fn new<G>(
        grant: G,
        pool_ref: O,
        init: impl FnOnce(&T),
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForConstructed>,
    {
        const { fits::<Counted<T>, Kmalloc, G::Flags>() };
        let object = NonNull::new(pool_ref.pool().0.alloc(grant))
            .ok_or_else(G::Flags::failed)?
            .cast::<Counted<T>>();
        // SAFETY: The constructor ran when the slab was allocated, or just now for an object of
        // KFENCE, which reuses no object within a grace period. The value has been changed only
        // through shared references since.
        let counted = unsafe { object.as_ref() };
        init(&counted.value);
        // `Release`: a reader that gets a reference sees the writes of `init`.
        counted.refs.as_atomic().store(1, Release);
        // INVARIANT: The object is new, and this owns its first reference.
        Ok(Self {
            object,
            pool_ref: DropOrLeak::new(pool_ref),
            _cache: PhantomData,
        })
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>>> Deref for RcuRef<T, O> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `RcuRef`: this owns a reference to the object.
        unsafe { &self.object.as_ref().value }
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> Clone for RcuRef<T, O> {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: Invariant of `RcuRef`: this owns a reference to the object.
        unsafe { self.object.as_ref() }.refs.inc();
        // INVARIANT: The reference was taken above.
        Self {
            object: self.object,
            pool_ref: DropOrLeak::new(O::clone(&self.pool_ref)),
            _cache: PhantomData,
        }
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>>> Drop for RcuRef<T, O> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `RcuRef`: this owns a reference to the object.
        if unsafe { self.object.as_ref() }.refs.dec_and_test() {
            // SAFETY: The object is from this cache, and its last reference was dropped. Readers
            // without a reference read only the count, which a deferred free does not overwrite.
            unsafe {
                self.pool_ref
                    .pool()
                    .0
                    .free(self.object.as_ptr().cast(), offset_after::<Counted<T>>())
            };
        }
    }
}

impl<T: Construct + Sync + fmt::Debug, O: PoolRef<RcuCache<T>>> fmt::Debug for RcuRef<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A pointer to an object of an [`RcuCache`] that readers follow without a lock: a bucket of a
/// table.
///
/// It holds a reference to its object. Readers are in an RCU read-side critical section:
///
/// ```
/// use kalloc::{prelude::*, slab::{Construct, RcuCache, RcuSlot, RcuRef}};
/// use kernel::sync::atomic::{Atomic as AtomicCell, Relaxed};
///
/// struct Session { id: AtomicCell<u64> }
///
/// impl Construct for Session {
///     fn construct() -> impl PinInit<Self> {
///         init!(Session { id: AtomicCell::new(0) })
///     }
/// }
///
/// fn find<'a>(
///     task: &mut TaskCx,
///     bucket: &RcuSlot<Session, &'a RcuCache<Session>>,
///     id: u64,
/// ) -> Option<RcuRef<Session, &'a RcuCache<Session>>> {
///     task.rcu_read(|side, _cx| bucket.get(side, |session| session.id.load(Relaxed) == id))
/// }
/// ```
///
/// # Invariants
///
/// `object` is NULL, or an object from the cache of `pool_ref`, to which this holds a reference.
pub struct RcuSlot<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> {
    object: Atomic<*mut Counted<T>>,
    pool_ref: DropOrLeak<O>,
    _cache: PhantomData<RcuCache<T>>,
}

// SAFETY: It gives only references (`RcuRef`), which are `Send`.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone + Send> Send for RcuSlot<T, O> {}
// SAFETY: All accesses are atomic. It gives only references (`RcuRef`), which are `Send`.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone + Send + Sync> Sync
    for RcuSlot<T, O>
{
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> RcuSlot<T, O> {
    /// An empty slot for objects of one cache.
    #[inline]
    pub fn new(pool_ref: O) -> Self {
        // INVARIANT: `object` is NULL.
        Self {
            object: Atomic::new(ptr::null_mut()),
            pool_ref: DropOrLeak::new(pool_ref),
            _cache: PhantomData,
        }
    }

    /// Stores `new` and returns the previous object.
    ///
    /// # Errors
    ///
    /// `new`, if it is from another cache.
    ///
    /// ```
    /// use kalloc::{prelude::*, slab::{Construct, RcuCache, RcuRef, RcuSlot}};
    ///
    /// /// Readers find `new` from now on. A reader with a reference to the old object keeps it.
    /// fn publish<'a, T: Construct + Sync>(
    ///     bucket: &RcuSlot<T, &'a RcuCache<T>>,
    ///     new: RcuRef<T, &'a RcuCache<T>>,
    /// ) -> Result {
    ///     let old = bucket.replace(Some(new)).map_err(|_| EINVAL)?;
    ///     drop(old);
    ///     Ok(())
    /// }
    /// ```
    pub fn replace(&self, new: Option<RcuRef<T, O>>) -> Result<Option<RcuRef<T, O>>, RcuRef<T, O>> {
        let new = match new {
            None => ptr::null_mut(),
            Some(new) => {
                if !ptr::eq(new.pool_ref.pool(), self.pool_ref.pool()) {
                    return Err(new);
                }
                let new = ManuallyDrop::new(new);
                // SAFETY: `new` is not dropped and its `pool_ref` is not used again. The slot has a
                // reference of its own.
                drop(unsafe { ptr::read(&new.pool_ref) });
                new.object.as_ptr()
            }
        };
        // `Full`: publishes the new object, and acquires the old one, which another CPU may have
        // published.
        // INVARIANT: The reference of `new` moves to the slot, and the slot's to the result.
        Ok(self.reference(self.object.xchg(new, Full)))
    }

    /// The object, if `check` returns true for it.
    ///
    /// Takes a reference, checks that the slot still holds the object, and then calls `check`.
    pub fn get(&self, _side: &ReadSide, check: impl FnOnce(&T) -> bool) -> Option<RcuRef<T, O>> {
        loop {
            // `Acquire`, with the `Full` of `replace`: the count that is read below is that of a
            // constructed object.
            let object = self.object.load(Acquire);
            // SAFETY: The slot held an object of the cache during this RCU read-side critical
            // section, which outlasts this function. Until it ends, the memory is a `Counted<T>` of
            // this cache, in use or free.
            let refs = &unsafe { object.as_ref() }?.refs;
            if !try_get(refs) {
                // The object was freed, so the slot has changed.
                continue;
            }
            // INVARIANT: The reference was taken above.
            let found = self.reference(object)?;
            // `Relaxed`: `try_get` is an acquire, so this load comes after it.
            if self.object.load(Relaxed) == object {
                return check(&found).then_some(found);
            }
        }
    }

    /// Makes an `RcuRef` of a reference to `object` that the caller owns.
    #[inline(always)]
    fn reference(&self, object: *mut Counted<T>) -> Option<RcuRef<T, O>> {
        Some(RcuRef {
            object: NonNull::new(object)?,
            pool_ref: DropOrLeak::new(O::clone(&self.pool_ref)),
            _cache: PhantomData,
        })
    }
}

/// Wraps `refcount_inc_not_zero_acquire()`.
#[inline]
fn try_get(refs: &Refcount) -> bool {
    // SAFETY: `refs` is a valid `refcount_t`.
    unsafe { kalloc_helper_refcount_inc_not_zero_acquire(refs.as_atomic().as_ptr().cast()) }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> Drop for RcuSlot<T, O> {
    fn drop(&mut self) {
        // `None` cannot fail: it is not from another cache.
        let _ = self.replace(None);
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> fmt::Debug for RcuSlot<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RcuSlot")
    }
}
