// SPDX-License-Identifier: GPL-2.0

//! Objects that stay constructed while they are free.

use super::raw::behind;
use super::raw::Ctor;
use super::raw::RawCache;
use super::*;
use crate::{
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
        Pool,
        PoolRef,
        PooledUninit, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        needs_drop,
        size_of, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    error::Result,
    ffi::c_void,
    page::PAGE_SIZE,
    prelude::PinInit, //
};

/// Types with a constructor that the slab allocator can call.
///
/// It runs when the kernel adds memory to the cache, in the context of whatever allocation did
/// that: it cannot fail, has no token, and so neither allocates nor sleeps. There is no destructor,
/// so such a type has no drop glue.
pub trait Construct: Sized {
    /// Makes an object in its constructed state.
    fn construct() -> impl PinInit<Self>;
}

/// Types whose objects go back to their cache constructed.
///
/// The constructor runs on whatever thread adds memory to the cache, so they are [`Send`].
///
/// ```
/// use kalloc::{prelude::*, slab::{Construct, Constructed}};
/// use kernel::{new_spinlock, sync::SpinLock};
///
/// #[pin_data]
/// struct Session {
///     #[pin]
///     lock: SpinLock<u32>,
///     id: u64,
/// }
///
/// impl Construct for Session {
///     fn construct() -> impl PinInit<Self> {
///         pin_init!(Session { lock <- new_spinlock!(0), id: 0 })
///     }
/// }
///
/// impl Constructed for Session {
///     /// The lock stays as it is: that is what the constructor saves.
///     fn reset(self: Pin<&mut Self>) {
///         *self.project().id = 0;
///     }
/// }
/// ```
pub trait Constructed: Construct + Send {
    /// Brings an object back to its constructed state. Called when its box is dropped, in whatever
    /// context that is.
    fn reset(self: Pin<&mut Self>);
}

/// The constructor of `T`, as the kernel calls it.
///
/// # Safety
///
/// `object` is valid for writes of a `T` that does not move.
unsafe extern "C" fn construct<T: Construct>(object: *mut c_void) {
    // SAFETY: By the contract of this function.
    unsafe { pin_init::raw_init(object.cast::<T>(), T::construct()) }
}

/// A cache whose objects come constructed and go back so, wraps `kmem_cache_create()` with a
/// constructor.
///
/// `.zeroed()` and memory pools, which would undo or not know the constructor, do not compile. The
/// kernel needs another word for each object.
// Invariant in `T`: what a box leaves in an object, the next one finds.
pub struct ConstructedCache<T>(pub(super) RawCache, PhantomData<fn(T) -> T>);

impl<T: Constructed> ConstructedCache<T> {
    /// Creates a cache, wraps `kmem_cache_create()`.
    ///
    /// Context: one that may sleep and is in no scope.
    ///
    /// # Errors
    ///
    /// As [`Cache::create`]. A `T` with drop glue does not compile.
    ///
    /// ```
    /// use kalloc::{prelude::*, slab::{Args, Construct, Constructed, ConstructedBox, ConstructedCache}};
    /// use kernel::{new_spinlock, sync::SpinLock};
    ///
    /// #[pin_data]
    /// struct Session {
    ///     #[pin]
    ///     lock: SpinLock<u32>,
    ///     id: u64,
    /// }
    ///
    /// impl Construct for Session {
    ///     fn construct() -> impl PinInit<Self> {
    ///         pin_init!(Session { lock <- new_spinlock!(0), id: 0 })
    ///     }
    /// }
    ///
    /// impl Constructed for Session {
    ///     fn reset(self: Pin<&mut Self>) {
    ///         *self.project().id = 0;
    ///     }
    /// }
    ///
    /// fn example(task: &TaskCx) -> Result {
    ///     let cache = ConstructedCache::<Session>::create(task, &Args::new(c"session"))?;
    ///     let mut session = ConstructedBox::new(task, &cache)?;
    ///     *session.as_mut().project().id = 7;
    ///     drop(session); // resets it
    ///     cache.destroy(task);
    ///     Ok(())
    /// }
    /// ```
    pub fn create<C: MayFs>(cx: &C, args: &Args<'_, T>) -> Result<Self> {
        const {
            assert!(
                !needs_drop::<T>(),
                "nobody drops a constructed object: its type has no drop glue"
            )
        };
        let ctor: Ctor = construct::<T>;
        Ok(Self(
            RawCache::create::<T, T, C>(cx, args, 0, 0, Some(ctor))?,
            PhantomData,
        ))
    }
}

impl<T> Sealed for ConstructedCache<T> {}
impl<T> Pool for ConstructedCache<T> {
    type Object = T;

    #[inline(always)]
    unsafe fn free(&self, object: NonNull<T>) {
        // SAFETY: By the contract of this function.
        unsafe { self.0.free(object.as_ptr().cast(), behind::<T>()) }
    }
}

/// An object of a [`ConstructedCache`]. It does not move, and goes back to the cache constructed.
///
/// ```
/// use kalloc::{prelude::*, slab::{Constructed, ConstructedBox, ConstructedCache}};
///
/// fn session<'a, T: Constructed>(cx: &IrqCx<'_>, cache: &'a ConstructedCache<T>) -> Result {
///     let _session = ConstructedBox::new(cx, cache)?;
///     Ok(())
/// }
/// ```
///
/// # Invariants
///
/// The memory holds a valid `T`, pinned.
pub struct ConstructedBox<T: Constructed, O: PoolRef<ConstructedCache<T>>>(
    PooledUninit<ConstructedCache<T>, O>,
    PhantomData<T>,
);

impl<T: Constructed, O: PoolRef<ConstructedCache<T>>> ConstructedBox<T, O> {
    /// A constructed object, wraps `kmem_cache_alloc()`.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory. Under `nofail` a type larger than a page does not
    /// compile.
    #[inline]
    pub fn new<G>(grant: G, owner: O) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForConstructed>,
    {
        const {
            assert!(
                !G::Flags::NOFAIL || size_of::<T>() <= PAGE_SIZE,
                "the kernel keeps the promise of nofail only up to a page"
            );
        };
        let object = NonNull::new(owner.pool().0.alloc(grant)).ok_or_else(G::Flags::failed)?;
        // SAFETY: New memory of this cache, whose objects have the size and alignment of a `T`.
        let memory = unsafe { PooledUninit::new(object.cast(), owner) };
        // INVARIANT: The constructor ran when the memory came to the cache, and each box since has
        // left a valid `T`.
        Ok(Self(memory, PhantomData))
    }

    /// The object, to be changed.
    #[inline(always)]
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        // SAFETY: By the invariant, and the box is borrowed exclusively.
        let object = unsafe { &mut *self.0.as_ptr() };
        // SAFETY: By the invariant it is pinned.
        unsafe { Pin::new_unchecked(object) }
    }
}

impl<T: Constructed, O: PoolRef<ConstructedCache<T>>> Drop for ConstructedBox<T, O> {
    #[inline]
    fn drop(&mut self) {
        // The memory goes back after this.
        self.as_mut().reset();
    }
}

impl<T: Constructed, O: PoolRef<ConstructedCache<T>>> Deref for ConstructedBox<T, O> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { &*self.0.as_ptr() }
    }
}

impl<T: Constructed + Unpin, O: PoolRef<ConstructedCache<T>>> DerefMut for ConstructedBox<T, O> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        self.as_mut().get_mut()
    }
}

impl<T: Constructed + fmt::Debug, O: PoolRef<ConstructedCache<T>>> fmt::Debug
    for ConstructedBox<T, O>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
