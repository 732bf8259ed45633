// SPDX-License-Identifier: GPL-2.0

//! C's cache, and the shape that all caches of objects share.

use super::*;
use crate::{
    alloc::{
        deferred_free::{
            self, //
        },
        kmalloc, //
    },
    contexts::{
        grant::Grant,
        tokens::TaskCx,
        traits::MayFs, //
    },
    flags::gfp::Gfp,
    memory::pooled::ForModule, //
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

/// A `struct kmem_cache`.
///
/// # Invariants
///
/// `cache` is a cache of the kernel, which this owns, and `deferred` a place for it in the list of
/// caches to be destroyed.
pub(super) struct RawCache {
    pub(super) cache: NonNull<kmem_cache>,
    deferred: NonNull<c_void>,
}

// SAFETY: The functions of the kernel may be called from every thread.
unsafe impl Send for RawCache {}
// SAFETY: As above, also from several at once.
unsafe impl Sync for RawCache {}

/// Where there is room behind an `Object` that must stay as it is when it is dead.
pub(super) const fn behind<Object>() -> usize {
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
pub(super) type Ctor = unsafe extern "C" fn(*mut c_void);

impl RawCache {
    /// Wraps `kmem_cache_create()`, for objects of the type `Object` that have a `T` at `offset`.
    pub(super) fn create<T, Object, C: MayFs>(
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
        let deferred = NonNull::new(unsafe { kalloc_helper_deferred_cache_alloc() }).ok_or(ENOMEM)?;
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
            Some(cache) => Ok(Self { cache, deferred }),
            None => {
                // SAFETY: It is memory of kmalloc that nobody else has.
                unsafe { bindings::kfree(deferred.as_ptr()) };
                Err(ENOMEM)
            }
        }
    }

    /// Wraps `kmem_cache_alloc()`, or `kmem_cache_alloc_node()` where the grant asks for a node.
    ///
    /// Returns NULL where there is no memory.
    #[inline(always)]
    pub(super) fn alloc<G: Grant>(&self, grant: G) -> *mut c_void {
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
    pub(super) unsafe fn free(&self, object: *mut c_void, unused: usize) {
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
        unsafe { bindings::kfree(this.deferred.as_ptr()) };
    }
}

impl Drop for RawCache {
    /// `kmem_cache_destroy()` sleeps, and a drop may be anywhere.
    fn drop(&mut self) {
        // SAFETY: By the invariant both are ours, and they are not used again.
        unsafe { kalloc_helper_kmem_cache_destroy_later(self.deferred.as_ptr(), self.cache.as_ptr()) };
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
