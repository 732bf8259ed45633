// SPDX-License-Identifier: GPL-2.0

//! Objects whose memory stays theirs for as long as an RCU reader looks.

use super::raw::behind;
use super::raw::Ctor;
use super::raw::RawCache;
use super::*;
use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::{
        grant::Grant,
        traits::MayFs, //
    },
    flags::{
        gfp::{
            AllocFailed,
            Gfp, //
        },
        matrix::ForConstructed, //
    },
    ground::sealed::Sealed,
    memory::pooled::{
        owners,
        PoolRef, //
    },
    sections::guards::ReadSide, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        needs_drop,
        size_of,
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
    page::PAGE_SIZE,
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

/// What is in the memory of an [`RcuCache`], also while it is free.
#[repr(C)]
struct Slot<T> {
    /// 0 while it is free.
    refs: Refcount,
    value: T,
}

/// The constructor of `Slot<T>`, as the kernel calls it.
///
/// # Safety
///
/// `object` is valid for writes of a `Slot<T>` that does not move.
unsafe extern "C" fn construct_slot<T: Construct>(object: *mut c_void) {
    let slot = object.cast::<Slot<T>>();
    // SAFETY: By the contract of this function.
    unsafe { (&raw mut (*slot).refs).write(Refcount::new(0)) };
    // SAFETY: By the contract of this function.
    unsafe { pin_init::raw_init(&raw mut (*slot).value, T::construct()) };
}

/// A cache whose memory stays of its type for as long as someone is on the RCU read side, wraps
/// `kmem_cache_create()` with `SLAB_TYPESAFE_BY_RCU`.
///
/// An object that is freed may at once be another one, of the same type. So what a lookup finds is
/// not yet the object that it looked for: it first has to get a reference, which a free object does
/// not give, and then to check whether it is still the one. [`RcuSlot::get`] does both.
///
/// Objects are made by [`Construct`] and reached through `&T` alone: atomics and locks. Their type
/// has no drop glue.
pub struct RcuCache<T>(pub(super) RawCache, PhantomData<fn() -> T>);

impl<T: Construct + Sync> RcuCache<T> {
    /// Creates a cache, wraps `kmem_cache_create()`.
    ///
    /// Context: one that may sleep and is in no scope.
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
    /// /// Shared by the objects, and gone with the last of them.
    /// fn sessions(task: &TaskCx) -> Result<Arc<RcuCache<Session>>> {
    ///     Ok(Arc::new_with(task, RcuCache::create(task, &Args::new(c"session"))?)?)
    /// }
    /// ```
    pub fn create<C: MayFs>(cx: &C, args: &Args<'_, T>) -> Result<Self> {
        const {
            assert!(
                !needs_drop::<T>(),
                "nobody drops an object that readers may still see: its type has no drop glue"
            )
        };
        let ctor: Ctor = construct_slot::<T>;
        Ok(Self(
            RawCache::create::<T, Slot<T>, C>(
                cx,
                args,
                core::mem::offset_of!(Slot<T>, value),
                KALLOC_CONST_SLAB_TYPESAFE_BY_RCU,
                Some(ctor),
            )?,
            PhantomData,
        ))
    }
}

impl<T> Sealed for RcuCache<T> {}

/// A counted reference to an object of an [`RcuCache`]. The last one frees the object.
///
/// # Invariants
///
/// `slot` is an object from the cache of `owner`, and one of its references is ours.
pub struct RcuRef<T: Construct + Sync, O: PoolRef<RcuCache<T>>> {
    slot: NonNull<Slot<T>>,
    owner: DropOrLeak<O>,
    _cache: PhantomData<RcuCache<T>>,
}

// SAFETY: It gives `&T`, and its last reference frees without dropping.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Send> Send for RcuRef<T, O> {}
// SAFETY: As above.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Sync> Sync for RcuRef<T, O> {}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>>> RcuRef<T, O> {
    /// A new object, wraps `kmem_cache_alloc()`.
    ///
    /// `init` sets it up, through `&T` alone, from what its last user left. Readers get references
    /// only when it is done.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory. Under `nofail` a type larger than a page does not
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
    pub fn new<G>(grant: G, owner: O, init: impl FnOnce(&T)) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForConstructed>,
    {
        const {
            assert!(
                !G::Flags::NOFAIL || size_of::<Slot<T>>() <= PAGE_SIZE,
                "the kernel keeps the promise of nofail only up to a page"
            );
        };
        let slot = NonNull::new(owner.pool().0.alloc(grant))
            .ok_or_else(G::Flags::failed)?
            .cast::<Slot<T>>();
        // SAFETY: The constructor ran when the memory came to the cache, and the value has been
        // changed only through shared references since.
        let object = unsafe { slot.as_ref() };
        init(&object.value);
        // Readers that get a reference see what `init` did.
        object.refs.as_atomic().store(1, Release);
        // INVARIANT: It is new, and the reference is the first.
        Ok(Self {
            slot,
            owner: DropOrLeak::new(owner),
            _cache: PhantomData,
        })
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>>> Deref for RcuRef<T, O> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { &self.slot.as_ref().value }
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> Clone for RcuRef<T, O> {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: By the invariant.
        unsafe { self.slot.as_ref() }.refs.inc();
        // INVARIANT: The reference was just taken.
        Self {
            slot: self.slot,
            owner: DropOrLeak::new(O::clone(&self.owner)),
            _cache: PhantomData,
        }
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>>> Drop for RcuRef<T, O> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        if unsafe { self.slot.as_ref() }.refs.dec_and_test() {
            // SAFETY: It is from this cache, and nobody has a reference. Readers without one look
            // at the count alone, which stays there for as long as they are on the RCU read side.
            unsafe {
                self.owner
                    .pool()
                    .0
                    .free(self.slot.as_ptr().cast(), behind::<Slot<T>>())
            };
        }
    }
}

impl<T: Construct + Sync + fmt::Debug, O: PoolRef<RcuCache<T>>> fmt::Debug for RcuRef<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A place where readers find an object of an [`RcuCache`], without a lock: a bucket of a table.
///
/// What is in it, it has a reference of. Readers are on the RCU read side:
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
/// `slot` is NULL, or an object from the cache of `owner` of which the cell has a reference.
pub struct RcuSlot<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> {
    slot: Atomic<*mut Slot<T>>,
    owner: DropOrLeak<O>,
    _cache: PhantomData<RcuCache<T>>,
}

// SAFETY: It gives references, which may be sent.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone + Send> Send for RcuSlot<T, O> {}
// SAFETY: All its accesses are atomic, and it gives references, which may be sent.
unsafe impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone + Send + Sync> Sync
    for RcuSlot<T, O>
{
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> RcuSlot<T, O> {
    /// A cell for objects of one cache, with none in it.
    #[inline]
    pub fn new(owner: O) -> Self {
        // INVARIANT: NULL.
        Self {
            slot: Atomic::new(ptr::null_mut()),
            owner: DropOrLeak::new(owner),
            _cache: PhantomData,
        }
    }

    /// Puts `new` in the place of what was there, which it gives back.
    ///
    /// # Errors
    ///
    /// `new`, where it is from another cache.
    ///
    /// ```
    /// use kalloc::{prelude::*, slab::{Construct, RcuCache, RcuRef, RcuSlot}};
    ///
    /// /// From now on readers find `new`, and those that have what was there keep it.
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
        let slot = match new {
            None => ptr::null_mut(),
            Some(new) => {
                if !ptr::eq(new.owner.pool(), self.owner.pool()) {
                    return Err(new);
                }
                let new = ManuallyDrop::new(new);
                // SAFETY: It is not used again. The cell has an owner of its own.
                drop(unsafe { ptr::read(&new.owner) });
                new.slot.as_ptr()
            }
        };
        // INVARIANT: The reference of `new` goes to the cell, and that of the cell to the result.
        Ok(self.reference(self.slot.xchg(slot, Full)))
    }

    /// The object, if `check` says that it is the right one.
    ///
    /// Gets a reference, looks whether the object is still the one in the cell, and then calls
    /// `check`.
    pub fn get(&self, _side: &ReadSide, check: impl FnOnce(&T) -> bool) -> Option<RcuRef<T, O>> {
        loop {
            let slot = self.slot.load(Acquire);
            // SAFETY: An object of the cache was there during this RCU read side, so for as long as
            // that lasts, which is longer than this function, the memory is a slot of this cache, in
            // use or free.
            let refs = &unsafe { slot.as_ref() }?.refs;
            if !try_get(refs) {
                // Freed since, so the cell has changed.
                continue;
            }
            // INVARIANT: The reference was just taken.
            let object = self.reference(slot)?;
            if self.slot.load(Relaxed) == slot {
                return check(&object).then_some(object);
            }
        }
    }

    /// The reference to `slot` that the caller has, as a value.
    #[inline(always)]
    fn reference(&self, slot: *mut Slot<T>) -> Option<RcuRef<T, O>> {
        Some(RcuRef {
            slot: NonNull::new(slot)?,
            owner: DropOrLeak::new(O::clone(&self.owner)),
            _cache: PhantomData,
        })
    }
}

/// Wraps `refcount_inc_not_zero_acquire()`.
#[inline]
fn try_get(refs: &Refcount) -> bool {
    // SAFETY: It is a `refcount_t`.
    unsafe { kalloc_helper_refcount_inc_not_zero_acquire(refs.as_atomic().as_ptr().cast()) }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> Drop for RcuSlot<T, O> {
    fn drop(&mut self) {
        // Cannot be from another cache: there is none.
        let _ = self.replace(None);
    }
}

impl<T: Construct + Sync, O: PoolRef<RcuCache<T>> + Clone> fmt::Debug for RcuSlot<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RcuSlot")
    }
}

owners! {
    {T} Cache<T>;
    {T} ConstructedCache<T>;
    {T} RcuCache<T>;
}
