// SPDX-License-Identifier: GPL-2.0

//! Slab caches: many objects of one type.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Cache::create`], [`kmem_cache!`](crate::kmem_cache!) | `kmem_cache_create()`, `KMEM_CACHE()` |
//! | [`SlabBox::new`] | `kmem_cache_alloc()` |
//! | [`SlabBox::zeroed`] | `kmem_cache_zalloc()` |
//! | any with [`Grant::on`] | `kmem_cache_alloc_node()` |
//! | drop of a box | `kmem_cache_free()` |
//! | [`SlabBulk`] | `kmem_cache_alloc_bulk()`, `kmem_cache_free_bulk()` |
//! | [`Cache::shrink`] | `kmem_cache_shrink()` |
//! | [`Cache::destroy`], drop of a cache | `kmem_cache_destroy()` |
//! | [`ConstructedCache`] | a cache with `ctor` |
//! | [`RcuCache`] | `SLAB_TYPESAFE_BY_RCU` |
//!
//! Each box has an [owner](crate::pooled) of its cache, so a cache has no objects left when it is
//! destroyed:
//!
//! ```
//! use kalloc::prelude::*;
//! use kalloc::slab::{Args, Cache, SlabBox};
//!
//! struct Request { sector: u64 }
//!
//! fn example(task: &TaskCx) -> Result {
//!     let cache = Cache::create(task, &Args::new(c"request").hwcache_align())?;
//!     let request = SlabBox::new(task, &cache, Request { sector: 8 })?;
//!     pr_info!("{}\n", request.sector);
//!     drop(request);
//!     cache.destroy(task);
//!     Ok(())
//! }
//! ```
//!
//! `kmem_cache_create()` and `kmem_cache_destroy()` sleep, so creating a cache takes a token that
//! may, and so does [`Cache::destroy`]. A cache that is dropped, which can be anywhere, is handed
//! to a work item that destroys it soon; creating a cache and unloading a module wait for that.

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
            IrqsOn,
            MayFs, //
        },
    },
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::{
            ForConstructed,
            ForSlab, //
        },
        properties::MayFail, //
    },
    ground::{
        field::Field,
        sealed::Sealed, //
    },
    memory::pooled::{
        owners,
        ForModule,
        Pool,
        PoolRef,
        Pooled,
        PooledUninit, //
    },
    sections::guards::ReadSide, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        align_of,
        needs_drop,
        size_of,
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::{
        Deref,
        DerefMut,
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
        gfp_t,
        kmem_cache,
        slab_flags_t, //
    },
    error::{
        code::{
            EINVAL,
            ENOMEM, //
        },
        Error,
        Result, //
    },
    ffi::c_void,
    page::PAGE_SIZE,
    prelude::{
        InPlaceWrite,
        Init,
        PinInit,
        Zeroable, //
    },
    str::{
        CStr,
        CStrExt as _, //
    },
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

// What a cache is made from --------------------------------------------------------------------------------------------

/// A part of each object that may be copied to and from user space.
#[derive(Debug)]
struct Window {
    offset: usize,
    size: usize,
}

/// A field of a struct as a usercopy window, for [`Args::usercopy`]: what `KMEM_CACHE_USERCOPY()`
/// makes of it. The same as [`field!`](crate::field!).
///
/// ```
/// use kalloc::{prelude::*, slab::Args, usercopy};
///
/// struct Message { owner: u32, text: [u8; 120] }
///
/// const ARGS: Args<'_, Message> = Args::new(c"message").usercopy(usercopy!(Message, text));
/// ```
#[macro_export]
macro_rules! usercopy {
    ($object:ty, $field:ident) => {
        $crate::field!($object, $field)
    };
}

/// Creates a [`Cache`] that is called as its struct is: wraps `KMEM_CACHE()`.
///
/// After the token and the type come methods of [`Args`].
///
/// ```
/// use kalloc::{kmem_cache, prelude::*, slab::Cache};
///
/// struct Request { sector: u64 }
///
/// fn requests(task: &TaskCx) -> Result<Cache<Request>> {
///     kmem_cache!(task, Request, hwcache_align(), account())
/// }
/// ```
#[macro_export]
macro_rules! kmem_cache {
    (@args $args:expr) => { $args };
    (@args $args:expr, $method:ident($($arg:expr),*) $($rest:tt)*) => {
        $crate::kmem_cache!(@args $crate::slab::Args::$method($args $(, $arg)*) $($rest)*)
    };
    ($token:expr, $object:ident $(, $method:ident($($arg:expr),*))* $(,)?) => {
        $crate::slab::Cache::<$object>::create(
            $token,
            &const {
                let name = $crate::__macro::name($crate::__macro::core::concat!(
                    $crate::__macro::core::stringify!($object),
                    "\0",
                ));
                $crate::kmem_cache!(
                    @args $crate::slab::Args::new(name) $(, $method($($arg),*))*
                )
            },
        )
    };
}

/// The name of a struct, with a NUL at its end, for [`kmem_cache!`](crate::kmem_cache!).
#[doc(hidden)]
pub const fn name(of: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(of.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("a name ends with a NUL"),
    }
}

/// What a cache of `T` is made from: `struct kmem_cache_args` and the `SLAB_` flags.
///
/// Objects have at least the alignment of `T`. All methods are `const`.
///
/// ```
/// use kalloc::slab::Args;
///
/// const ARGS: Args<'_, [u8; 100]> = Args::new(c"descriptor").align::<64>().cache_dma32();
/// ```
#[derive(Debug)]
pub struct Args<'a, T> {
    name: &'a CStr,
    flags: slab_flags_t,
    zone: slab_flags_t,
    align: usize,
    window: Window,
    _object: PhantomData<fn() -> T>,
}

impl<'a, T> Args<'a, T> {
    /// A cache called `name`, which the kernel copies.
    ///
    /// A name has no blank and no slash. It must not be that of a cache that is there: the kernel
    /// complains in its log, and shows only one of them in `/sys/kernel/slab`.
    #[inline]
    pub const fn new(name: &'a CStr) -> Self {
        Self {
            name,
            flags: 0,
            zone: 0,
            align: align_of::<T>(),
            window: Window { offset: 0, size: 0 },
            _object: PhantomData,
        }
    }

    /// An alignment of `N` bytes, where that of `T` is less. `N` is a power of two and at most a
    /// page.
    #[inline]
    pub const fn align<const N: usize>(mut self) -> Self {
        const {
            assert!(
                N.is_power_of_two() && N <= PAGE_SIZE,
                "the alignment is a power of two and at most a page"
            )
        };
        if N > self.align {
            self.align = N;
        }
        self
    }

    /// `SLAB_HWCACHE_ALIGN`: objects begin on a cache line, small ones on a part of one.
    #[inline]
    pub const fn hwcache_align(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_HWCACHE_ALIGN;
        self
    }

    /// `SLAB_ACCOUNT`: every object is charged to the memory cgroup of who allocates it.
    #[inline]
    pub const fn account(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_ACCOUNT;
        self
    }

    /// `SLAB_RECLAIM_ACCOUNT`: a shrinker can free objects.
    #[inline]
    pub const fn reclaim_account(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_RECLAIM_ACCOUNT;
        self
    }

    /// `SLAB_NO_MERGE`: never one with a cache of similar objects. For tests and debugging, the
    /// kernel says.
    #[inline]
    pub const fn no_merge(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_NO_MERGE;
        self
    }

    /// `SLAB_CACHE_DMA`: all objects are from `ZONE_DMA`, the first 16 MiB on x86.
    ///
    /// There is one zone: of this and [`Args::cache_dma32`] the last call counts.
    #[inline]
    pub const fn cache_dma(mut self) -> Self {
        self.zone = KALLOC_CONST_SLAB_CACHE_DMA;
        self
    }

    /// `SLAB_CACHE_DMA32`: all objects are from `ZONE_DMA32`, the first 4 GiB.
    #[inline]
    pub const fn cache_dma32(mut self) -> Self {
        self.zone = KALLOC_CONST_SLAB_CACHE_DMA32;
        self
    }

    /// The field of each object that may be copied to and from user space, made by
    /// [`usercopy!`](crate::usercopy!); without it, none.
    ///
    /// With `CONFIG_HARDENED_USERCOPY` the kernel stops a copy of anything else.
    #[inline]
    pub const fn usercopy<F>(mut self, field: Field<T, F>) -> Self {
        self.window = Window {
            offset: field.offset(),
            size: size_of::<F>(),
        };
        self
    }
}

// The cache of C -------------------------------------------------------------------------------------------------------

/// A `struct kmem_cache`.
///
/// # Invariants
///
/// `cache` is a cache of the kernel, which this owns, and `grave` a place for it in the list of
/// caches to be destroyed.
struct RawCache {
    cache: NonNull<kmem_cache>,
    grave: NonNull<c_void>,
}

// SAFETY: The functions of the kernel may be called from every thread.
unsafe impl Send for RawCache {}
// SAFETY: As above, also from several at once.
unsafe impl Sync for RawCache {}

/// Where there is room behind an `Object` that must stay as it is when it is dead.
const fn behind<Object>() -> usize {
    size_of::<Object>().next_multiple_of(size_of::<usize>())
}

/// The bytes of an object in a cache.
// Where no dead object is put off, the least is nothing.
#[allow(clippy::absurd_extreme_comparisons)]
const fn size<Object>(constructed: bool) -> usize {
    if deferred_free::MIN_SIZE == 0 {
        size_of::<Object>()
    } else if constructed {
        behind::<Object>() + deferred_free::MIN_SIZE
    } else if size_of::<Object>() < deferred_free::MIN_SIZE {
        deferred_free::MIN_SIZE
    } else {
        size_of::<Object>()
    }
}

/// The constructor of a cache.
type Ctor = unsafe extern "C" fn(*mut c_void);

impl RawCache {
    /// Wraps `kmem_cache_create()`, for objects of the type `Object` that have a `T` at `offset`.
    fn create<T, Object, C: MayFs>(
        cx: &C,
        args: &Args<'_, T>,
        offset: usize,
        flags: slab_flags_t,
        ctor: Option<Ctor>,
    ) -> Result<Self> {
        const {
            assert!(size_of::<Object>() != 0, "a cache of objects of no size");
            // A constructor and RCU take another word.
            assert!(
                size::<Object>(true) + size_of::<usize>() <= kmalloc::MAX_SIZE,
                "larger than a slab can be"
            );
        };
        let name = args.name.to_bytes();
        if name.is_empty() || name.iter().any(|&byte| byte == b' ' || byte == b'/') {
            return Err(EINVAL);
        }
        // One of that name may be on its way out.
        flush(cx);
        // SAFETY: It sleeps, which the caller may.
        let grave = NonNull::new(unsafe { kalloc_helper_deferred_cache_alloc() }).ok_or(ENOMEM)?;
        let mut c_args = bindings::kmem_cache_args {
            align: args.align.max(align_of::<Object>()) as u32,
            useroffset: if args.window.size == 0 {
                0
            } else {
                (offset + args.window.offset) as u32
            },
            usersize: args.window.size as u32,
            ctor,
            ..Default::default()
        };
        // SAFETY: It sleeps, which the caller may. Name and arguments are valid for the call, and
        // the constructor makes an object of this size.
        let cache = unsafe {
            bindings::__kmem_cache_create_args(
                args.name.as_char_ptr(),
                size::<Object>(ctor.is_some()) as u32,
                &mut c_args,
                args.flags | args.zone | flags,
            )
        };
        match NonNull::new(cache) {
            // INVARIANT: Both were just made.
            Some(cache) => Ok(Self { cache, grave }),
            None => {
                // SAFETY: It is memory of kmalloc that nobody else has.
                unsafe { bindings::kfree(grave.as_ptr()) };
                Err(ENOMEM)
            }
        }
    }

    /// Wraps `kmem_cache_alloc()`, or `kmem_cache_alloc_node()` where the grant asks for a node.
    ///
    /// Returns NULL where there is no memory.
    #[inline(always)]
    fn alloc<G: Grant>(&self, grant: G) -> *mut c_void {
        let (cache, flags): (_, gfp_t) = (self.cache.as_ptr(), G::Flags::BITS);
        // SAFETY: The cache is there by the invariant. The flags are legal in this context, which
        // is what the grant says, and `nid` is that of a node that is or was online.
        unsafe {
            if G::ON_NODE {
                calls::kmem_cache_alloc_node(cache, flags, grant.nid())
            } else {
                calls::kmem_cache_alloc(cache, flags)
            }
        }
    }

    /// Wraps `kmem_cache_free()`.
    ///
    /// # Safety
    ///
    /// `object` is from this cache, and nobody uses it from here on; from `unused` on it is of no
    /// use to anyone.
    #[inline(always)]
    unsafe fn free(&self, object: *mut c_void, unused: usize) {
        // SAFETY: By the contract of this function.
        unsafe { deferred_free::kmem_cache_free(self.cache.as_ptr(), object, unused) }
    }

    /// Wraps `kmem_cache_shrink()`.
    fn shrink(&self) -> bool {
        // SAFETY: By the invariant it is a cache. The callers may sleep.
        unsafe { bindings::kmem_cache_shrink(self.cache.as_ptr()) == 0 }
    }

    /// Wraps `kmem_cache_destroy()`.
    fn destroy(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: The callers may sleep.
        unsafe { deferred_free::flush() };
        // SAFETY: By the invariant the cache is ours, and it is not used again. The callers may
        // sleep.
        unsafe { bindings::kmem_cache_destroy(this.cache.as_ptr()) };
        // SAFETY: By the invariant it is memory of kmalloc that is ours.
        unsafe { bindings::kfree(this.grave.as_ptr()) };
    }
}

impl Drop for RawCache {
    /// `kmem_cache_destroy()` sleeps, and a drop may be anywhere.
    fn drop(&mut self) {
        // SAFETY: By the invariant both are ours, and they are not used again.
        unsafe { kalloc_helper_kmem_cache_destroy_later(self.grave.as_ptr(), self.cache.as_ptr()) };
    }
}

/// Waits until every cache that was dropped is destroyed, and destroys those that wait for it.
///
/// Creating a cache and unloading a module do so by themselves.
pub fn flush<C: MayFs>(_cx: &C) {
    // SAFETY: It sleeps, which the caller may.
    unsafe { kalloc_helper_kmem_cache_destroy_flush() }
}

/// Waits when it is dropped, for the exit of a module.
#[doc(hidden)]
#[derive(Debug)]
pub struct Flush(());

impl Flush {
    /// # Safety
    ///
    /// The result is dropped in process context.
    pub unsafe fn new() -> Self {
        Self(())
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        // SAFETY: It sleeps, which may be done here by the contract of `new`.
        unsafe { kalloc_helper_kmem_cache_destroy_flush() }
    }
}

macro_rules! caches {
    ($($name:ident: [$($bound:tt)*];)*) => {$(
        impl<T: $($bound)*> $name<T> {
            /// Gives slabs without objects back, wraps `kmem_cache_shrink()`. Whether no slab is
            /// left.
            ///
            /// Context: one that may sleep and is in no scope.
            pub fn shrink<C: MayFs>(&self, _cx: &C) -> bool {
                self.0.shrink()
            }

            /// Destroys the cache at once, wraps `kmem_cache_destroy()`.
            ///
            /// It has no objects any more: each has an owner of the cache.
            ///
            /// Context: one that may sleep and is in no scope. A drop is for the others.
            pub fn destroy<C: MayFs>(self, _cx: &C) {
                self.0.destroy();
            }

            /// The bytes of an object, as the kernel knows them: wraps `kmem_cache_size()`.
            ///
            /// Of a cache that is one with another, the larger one's.
            pub fn object_size(&self) -> usize {
                // SAFETY: By the invariant it is a cache.
                unsafe { bindings::kmem_cache_size(self.0.cache.as_ptr()) as usize }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl<T: $($bound)*> ForModule for $name<T>
        where
            T: 'static,
        {
            type Args = Args<'static, T>;

            fn create_for_module(task: &TaskCx, args: &Self::Args) -> Result<Self> {
                Self::create(task, args)
            }

            fn destroy_for_module(self, task: &TaskCx) {
                self.destroy(task);
            }
        }
    )*};
}

caches! {
    Cache: [Sized];
    ConstructedCache: [Constructed];
    RcuCache: [Construct + Sync];
}

// A cache, and an object -----------------------------------------------------------------------------------------------

/// A cache of `T`, wraps `struct kmem_cache`.
///
/// [`SlabBox`] is what comes from it. Dropped in whatever context, it is destroyed soon, by a work
/// item; [`Cache::destroy`] is at once.
pub struct Cache<T>(RawCache, PhantomData<fn() -> T>);

impl<T> Cache<T> {
    /// Creates a cache, wraps `kmem_cache_create()`.
    ///
    /// Context: one that may sleep and is in no scope. Under the mutex that this takes others allocate
    /// with `GFP_KERNEL`, and would wait for who is in a scope.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a name that is empty or has a blank or a slash; `ENOMEM` where the kernel makes
    /// none, which it says in its log. A `T` of no size, or too large for a slab, does not compile.
    pub fn create<C: MayFs>(cx: &C, args: &Args<'_, T>) -> Result<Self> {
        Ok(Self(
            RawCache::create::<T, T, C>(cx, args, 0, 0, None)?,
            PhantomData,
        ))
    }

    /// The cache, for [`Mempool`](crate::mempool::Mempool).
    pub(crate) fn as_ptr(&self) -> *mut kmem_cache {
        self.0.cache.as_ptr()
    }
}

impl<T> Sealed for Cache<T> {}
impl<T> Pool for Cache<T> {
    type Object = T;

    #[inline(always)]
    unsafe fn free(&self, object: NonNull<T>) {
        // SAFETY: By the contract of this function.
        unsafe { self.0.free(object.as_ptr().cast(), 0) }
    }
}

/// A `T` in memory of a [`Cache`], freed by `kmem_cache_free()` when it is dropped.
///
/// A pointer and an [owner](crate::pooled) of the cache. It may be dropped in every context in which
/// it may be made.
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
pub type SlabBox<T, O> = Pooled<Cache<T>, O>;

impl<T, O: PoolRef<Cache<T>>> SlabBox<T, O> {
    /// Moves `value` into new memory of the cache, wraps `kmem_cache_alloc()`.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory.
    #[inline]
    pub fn new<G>(grant: G, owner: O, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForSlab>,
    {
        match Self::new_uninit(grant, owner) {
            Ok(memory) => Ok(memory.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory of the cache, wraps `kmem_cache_alloc()`.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory. Under `nofail` a type larger than a page does not
    /// compile.
    #[inline(always)]
    pub fn new_uninit<G>(
        grant: G,
        owner: O,
    ) -> Result<PooledUninit<Cache<T>, O>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForSlab>,
    {
        const {
            assert!(
                !G::Flags::NOFAIL || size_of::<T>() <= PAGE_SIZE,
                "the kernel keeps the promise of nofail only up to a page"
            );
        };
        let object = NonNull::new(owner.pool().0.alloc(grant)).ok_or_else(G::Flags::failed)?;
        // SAFETY: New memory of this cache, whose objects have the size and alignment of a `T`.
        Ok(unsafe { PooledUninit::new(object.cast(), owner) })
    }

    /// An object of zeroes, wraps `kmem_cache_zalloc()`.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// As [`SlabBox::new_uninit`].
    #[inline]
    pub fn zeroed<G>(grant: G, owner: O) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForSlab>,
    {
        match Self::new_uninit(grant.zeroed(), owner) {
            // SAFETY: The memory is zero, which is a `T`.
            Ok(memory) => Ok(unsafe { memory.assume_init() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// Moves `value` into new memory that it does not leave, wraps `kmem_cache_alloc()`.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// As [`SlabBox::new`].
    #[inline]
    pub fn pin<G>(grant: G, owner: O, value: T) -> Result<Pin<Self>, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForSlab>,
    {
        Ok(Self::new(grant, owner, value)?.into())
    }

    /// Initialises a `T` in new memory that it does not leave, wraps `kmem_cache_alloc()`.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns.
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
    pub fn pin_init<G, E>(grant: G, owner: O, init: impl PinInit<T, E>) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForSlab>,
        Error: From<E>,
    {
        Ok(Self::new_uninit(grant, owner)?.write_pin_init(init)?)
    }

    /// Initialises a `T` in new memory, wraps `kmem_cache_alloc()`.
    ///
    /// Context: as the flags.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns.
    #[inline]
    pub fn init<G, E>(grant: G, owner: O, init: impl Init<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: ForSlab>,
        Error: From<E>,
    {
        Ok(Self::new_uninit(grant, owner)?.write_init(init)?)
    }
}

// Many objects at once -------------------------------------------------------------------------------------------------

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

// Constructed objects --------------------------------------------------------------------------------------------------

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
pub struct ConstructedCache<T>(RawCache, PhantomData<fn(T) -> T>);

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

// Type-safe by RCU -----------------------------------------------------------------------------------------------------

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
pub struct RcuCache<T>(RawCache, PhantomData<fn() -> T>);

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
