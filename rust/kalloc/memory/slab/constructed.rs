// SPDX-License-Identifier: GPL-2.0

//! [`ConstructedCache`]: caches with a constructor, whose free objects stay constructed.

use super::raw::{
    offset_after,
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
    memory::pooled::{
        Pool,
        PoolRef,
        PooledUninit, //
    },
    series, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::needs_drop,
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
    prelude::PinInit, //
};

/// Types with a constructor that the slab allocator can call.
///
/// The kernel calls the constructor when it adds a slab to the cache, in the context of that
/// allocation. KFENCE calls it for each object that it allocates. So the constructor cannot fail, has no token, and neither allocates nor sleeps.
/// There is no destructor, so such a type has no drop glue.
pub trait Construct: Sized {
    /// Makes an object in its constructed state.
    fn construct() -> impl PinInit<Self>;
}

/// Types whose objects are free in their constructed state.
///
/// The constructor runs on any thread that adds a slab to the cache, so the types are [`Send`].
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
    /// Restores the constructed state. Called when the box is dropped, in the context of that drop.
    fn reset(self: Pin<&mut Self>);
}

/// The constructor of `T`, called by the slab allocator.
///
/// # Safety
///
/// `object` is valid for writes of a `T` that does not move.
unsafe extern "C" fn construct<T: Construct>(object: *mut c_void) {
    // SAFETY: `# Safety`: `object` is valid for writes of a `T` that does not move.
    unsafe { series::raw_init(object.cast::<T>(), T::construct()) }
}

/// A cache with a constructor, wraps `kmem_cache_create()`. Objects are allocated and freed in
/// their constructed state.
///
/// `.zeroed()` and memory pools would overwrite or bypass the constructed state: neither compiles.
/// The kernel takes one more word for each object.
// Invariant in `T`: a box finds the contents that an earlier box left.
pub struct ConstructedCache<T>(pub(super) RawCache, PhantomData<fn(T) -> T>);

impl<T: Constructed> ConstructedCache<T> {
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
                "a constructed object is not dropped: its type must not have drop glue"
            )
        };
        let extra = Extra {
            ctor: Some(construct::<T>),
            ..Extra::NONE
        };
        Ok(Self(
            RawCache::create::<T, T, C>(cx, args, extra)?,
            PhantomData,
        ))
    }
}

impl<T> Sealed for ConstructedCache<T> {}
impl<T> Pool for ConstructedCache<T> {
    type Object = T;

    #[inline(always)]
    unsafe fn free(&self, object: NonNull<T>) {
        // SAFETY: `# Safety` of `Pool::free`: `object` is from this cache and is not used again.
        // Its bytes behind the `T` are unused.
        unsafe { self.0.free(object.as_ptr().cast(), offset_after::<T>()) }
    }
}

/// A pinned object of a [`ConstructedCache`]. Dropping it resets and frees it.
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
    /// # Context
    ///
    /// Any context that allows the flags of the grant.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails. With `nofail` a type larger than a page does not
    /// compile.
    #[inline]
    pub fn new<G>(grant: G, pool_ref: O) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForConstructed>,
    {
        const { fits::<T, Kmalloc, G::Flags>() };
        let object = NonNull::new(pool_ref.pool().0.alloc(grant)).ok_or_else(G::Flags::failed)?;
        // SAFETY: New memory of this cache, whose objects have the size and alignment of a `T`.
        let memory = unsafe { PooledUninit::new(object.cast(), pool_ref) };
        // INVARIANT: The constructor ran when the slab was allocated, or just now for an object of
        // KFENCE. Each box since has left a valid `T`.
        Ok(Self(memory, PhantomData))
    }

    /// The object, mutably.
    #[inline(always)]
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        // SAFETY: Invariant of `ConstructedBox`: the memory holds a valid `T`. The box is borrowed
        // exclusively.
        let object = unsafe { &mut *self.0.as_ptr() };
        // SAFETY: Invariant of `ConstructedBox`: the object is pinned.
        unsafe { Pin::new_unchecked(object) }
    }
}

impl<T: Constructed, O: PoolRef<ConstructedCache<T>>> Drop for ConstructedBox<T, O> {
    #[inline]
    fn drop(&mut self) {
        // The drop of the field frees the memory afterwards.
        self.as_mut().reset();
    }
}

impl<T: Constructed, O: PoolRef<ConstructedCache<T>>> Deref for ConstructedBox<T, O> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `ConstructedBox`: the memory holds a valid `T`.
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
