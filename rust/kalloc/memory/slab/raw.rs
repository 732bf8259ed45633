// SPDX-License-Identifier: GPL-2.0

//! `struct kmem_cache`: the object layout and the methods that every cache type shares.

use super::*;
use crate::{
    alloc::{
        deferred_free,
        kmalloc, //
    },
    contexts::{
        grant::Grant,
        tokens::TaskCx,
        traits::MayFs, //
    },
    flags::{
        allocators::ForSlab,
        gfp::Gfp, //
    },
    memory::pooled::{
        pool_refs,
        ForModule, //
    },
};
use core::{
    fmt,
    mem::{
        align_of,
        size_of,
        ManuallyDrop, //
    },
    ptr::NonNull, //
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
        Result, //
    },
    ffi::c_void,
    str::CStrExt as _, //
};

/// An owned `struct kmem_cache`.
///
/// # Invariants
///
/// `cache` is a kernel cache that this owns. `deferred` is owned memory of kmalloc: its entry in
/// the list of caches to be destroyed.
pub(super) struct RawCache {
    pub(super) cache: NonNull<kmem_cache>,
    deferred: NonNull<c_void>,
}

// SAFETY: Functions of `struct kmem_cache` may be called from any thread.
unsafe impl Send for RawCache {}
// SAFETY: Functions of `struct kmem_cache` may be called concurrently.
unsafe impl Sync for RawCache {}

/// The offset of the list node after an `Object`, in a slab object that must keep its contents
/// while it waits for a deferred free.
pub(super) const fn offset_after<Object>() -> usize {
    size_of::<Object>().next_multiple_of(size_of::<usize>())
}

/// The size of an object in a cache.
// Without deferred frees `MIN_SIZE` is 0, and the comparison is always false.
#[allow(clippy::absurd_extreme_comparisons)]
const fn size<Object>(constructed: bool) -> usize {
    if deferred_free::MIN_SIZE == 0 {
        size_of::<Object>()
    } else if constructed {
        offset_after::<Object>() + deferred_free::MIN_SIZE
    } else if size_of::<Object>() < deferred_free::MIN_SIZE {
        deferred_free::MIN_SIZE
    } else {
        size_of::<Object>()
    }
}

/// The constructor of a cache.
pub(super) type Ctor = unsafe extern "C" fn(*mut c_void);

/// What the type of a cache adds to its [`Args`].
pub(super) struct Extra {
    /// The offset of the `T` in an object.
    pub(super) offset: usize,
    pub(super) flags: slab_flags_t,
    pub(super) ctor: Option<Ctor>,
}

impl Extra {
    pub(super) const NONE: Self = Self {
        offset: 0,
        flags: 0,
        ctor: None,
    };
}

impl RawCache {
    /// Wraps `kmem_cache_create()`, for objects of type `Object` with a `T` in them.
    pub(super) fn create<T, Object, C: MayFs>(
        cx: &C,
        args: &Args<'_, T>,
        extra: Extra,
    ) -> Result<Self> {
        const {
            assert!(size_of::<Object>() != 0, "a cache of objects of no size");
            // A constructor and RCU take one more word.
            assert!(
                size::<Object>(true) + size_of::<usize>() <= kmalloc::MAX_SIZE,
                "larger than a slab can be"
            );
        };
        let name = args.name.to_bytes();
        if name.is_empty() || name.iter().any(|&byte| byte == b' ' || byte == b'/') {
            return Err(EINVAL);
        }
        // Waits for the deferred destruction of a cache that may have the same name.
        destroy_dropped(cx);
        // SAFETY: `C: MayFs`: the context may sleep.
        let deferred = unsafe { kalloc_helper_deferred_cache_alloc() };
        let deferred = NonNull::new(deferred).ok_or(ENOMEM)?;
        let mut c_args = bindings::kmem_cache_args {
            align: args.align.max(align_of::<Object>()) as u32,
            useroffset: if args.usercopy.size == 0 {
                0
            } else {
                (extra.offset + args.usercopy.offset) as u32
            },
            usersize: args.usercopy.size as u32,
            ctor: extra.ctor,
            ..Default::default()
        };
        // SAFETY: `C: MayFs`: the context may sleep. The name and the arguments are valid for the
        // call. The constructor initialises an object of this size.
        let cache = unsafe {
            calls::kmem_cache_create(
                args.name.as_char_ptr(),
                size::<Object>(extra.ctor.is_some()) as u32,
                &mut c_args,
                args.flags | args.zone | extra.flags,
            )
        };
        match NonNull::new(cache) {
            // INVARIANT: Both were just allocated, and this is their only owner.
            Some(cache) => Ok(Self { cache, deferred }),
            None => {
                // SAFETY: `deferred` is memory of kmalloc without another user.
                unsafe { bindings::kfree(deferred.as_ptr()) };
                Err(ENOMEM)
            }
        }
    }

    /// Wraps `kmem_cache_alloc()`, or `kmem_cache_alloc_node()` if the grant has a node.
    ///
    /// Returns NULL if the allocation fails.
    #[inline(always)]
    pub(super) fn alloc<G: Grant<Flags: ForSlab>>(&self, grant: G) -> *mut c_void {
        let (cache, flags): (_, gfp_t) = (self.cache.as_ptr(), G::Flags::BITS);
        // SAFETY: Invariant of `RawCache`: the cache is valid. The grant proves that the flags are
        // legal in this context, and that `nid` is a node that is or was online. A cache accepts
        // the flags, by the bound.
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
    /// `object` is from this cache and is not used again. A deferred free may overwrite its bytes
    /// from `node_offset` on.
    #[inline(always)]
    pub(super) unsafe fn free(&self, object: *mut c_void, node_offset: usize) {
        // SAFETY: `# Safety`: `object` is from this cache and not used again, and its bytes from
        // `node_offset` on may be overwritten.
        unsafe { deferred_free::kmem_cache_free(self.cache.as_ptr(), object, node_offset) }
    }

    /// Wraps `kmem_cache_shrink()`.
    fn shrink<C: MayFs>(&self, _cx: &C) -> bool {
        // SAFETY: Invariant of `RawCache`: the cache is valid. `C: MayFs`: the context may sleep.
        unsafe { bindings::kmem_cache_shrink(self.cache.as_ptr()) == 0 }
    }

    /// Wraps `kmem_cache_destroy()`.
    fn destroy<C: MayFs>(self, _cx: &C) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `C: MayFs`: the context may sleep.
        unsafe { deferred_free::drain() };
        // SAFETY: Invariant of `RawCache`: the cache is owned. It is not used again. `C: MayFs`:
        // the context may sleep.
        unsafe { bindings::kmem_cache_destroy(this.cache.as_ptr()) };
        // SAFETY: Invariant of `RawCache`: `deferred` is owned memory of kmalloc.
        unsafe { bindings::kfree(this.deferred.as_ptr()) };
    }
}

impl Drop for RawCache {
    /// Defers `kmem_cache_destroy()`, which sleeps, to a work item.
    fn drop(&mut self) {
        // SAFETY: Invariant of `RawCache`: `cache` and `deferred` are owned. They are not used
        // again.
        unsafe {
            kalloc_helper_kmem_cache_destroy_later(self.deferred.as_ptr(), self.cache.as_ptr())
        };
    }
}

/// Destroys every cache that was dropped, and waits until that is done.
///
/// Creating a cache and unloading a module call this.
///
/// # Context
///
/// Process context that may sleep, outside memalloc scopes.
pub fn destroy_dropped<C: MayFs>(_cx: &C) {
    // SAFETY: `C: MayFs`: the context may sleep.
    unsafe { kalloc_helper_kmem_cache_destroy_flush() }
}

/// Destroys every dropped cache when this is dropped. For module exit.
#[doc(hidden)]
#[derive(Debug)]
pub struct DestroyDropped(());

impl DestroyDropped {
    /// # Safety
    ///
    /// The result is dropped in process context.
    pub unsafe fn new() -> Self {
        Self(())
    }
}

impl Drop for DestroyDropped {
    fn drop(&mut self) {
        // SAFETY: `# Safety` of `new`: dropped in process context, so it may sleep.
        unsafe { kalloc_helper_kmem_cache_destroy_flush() }
    }
}

macro_rules! caches {
    ($($name:ident: [$($bound:tt)*];)*) => {$(
        impl<T: $($bound)*> $name<T> {
            /// Frees slabs without objects, wraps `kmem_cache_shrink()`. Returns whether no slab is
            /// left.
            ///
            /// # Context
            ///
            /// Process context that may sleep, outside memalloc scopes.
            #[doc(alias = "kmem_cache_shrink")]
            pub fn shrink<C: MayFs>(&self, cx: &C) -> bool {
                self.0.shrink(cx)
            }

            /// Destroys the cache now, wraps `kmem_cache_destroy()`.
            ///
            /// The cache has no objects: each object holds a reference to the cache.
            ///
            /// # Context
            ///
            /// Process context that may sleep, outside memalloc scopes. In other contexts drop the
            /// cache.
            #[doc(alias = "kmem_cache_destroy")]
            pub fn destroy<C: MayFs>(self, cx: &C) {
                self.0.destroy(cx);
            }

            /// The size of an object in the kernel's cache, wraps `kmem_cache_size()`.
            ///
            /// For a merged cache this is the larger object's size.
            #[doc(alias = "kmem_cache_size")]
            pub fn object_size(&self) -> usize {
                // SAFETY: Invariant of `RawCache`: the cache is valid.
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

pool_refs! {
    {T} Cache<T>;
    {T} ConstructedCache<T>;
    {T} RcuCache<T>;
}
