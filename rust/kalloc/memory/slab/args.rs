// SPDX-License-Identifier: GPL-2.0

//! Arguments of cache creation: [`Args`], `struct kmem_cache_args` and the `SLAB_` flags.

use crate::ground::field::Field;
use core::{
    marker::PhantomData,
    mem::{
        align_of,
        size_of, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings::slab_flags_t,
    page::PAGE_SIZE,
    str::CStr, //
};

/// The usercopy region of each object.
#[derive(Debug)]
pub(super) struct UsercopyRegion {
    pub(super) offset: usize,
    pub(super) size: usize,
}

/// A field of a struct as usercopy region, for [`Args::usercopy`], as `KMEM_CACHE_USERCOPY()` has
/// it. Same as [`field!`](crate::field!).
///
/// ```
/// use kalloc::{prelude::*, slab::Args, usercopy};
///
/// struct Message { owner: u32, text: [u8; 120] }
///
/// const ARGS: Args<'_, Message> = Args::new(c"message").usercopy(usercopy!(Message, text));
/// ```
#[doc(alias = "KMEM_CACHE_USERCOPY")]
#[macro_export]
macro_rules! usercopy {
    ($($object:tt)*) => {
        $crate::field!($($object)*)
    };
}

/// Creates a [`Cache`](crate::slab::Cache) named after its struct, wraps `KMEM_CACHE()`.
///
/// Methods of [`Args`] may follow the token and the type.
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
#[doc(alias = "KMEM_CACHE")]
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

/// The name of a struct as C string, for [`kmem_cache!`](crate::kmem_cache!). `of` ends with a NUL.
#[doc(hidden)]
pub const fn name(of: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(of.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("a name ends with a NUL"),
    }
}

/// Arguments for a cache of `T`: `struct kmem_cache_args` and the `SLAB_` flags.
///
/// Objects have at least the alignment of `T`. All methods are `const`.
///
/// ```
/// use kalloc::slab::Args;
///
/// const ARGS: Args<'_, [u8; 100]> = Args::new(c"descriptor").align::<64>().cache_dma32();
/// ```
#[doc(alias = "kmem_cache_args")]
#[derive(Debug)]
pub struct Args<'a, T> {
    pub(super) name: &'a CStr,
    pub(super) flags: slab_flags_t,
    pub(super) zone: slab_flags_t,
    pub(super) align: usize,
    pub(super) usercopy: UsercopyRegion,
    _object: PhantomData<fn() -> T>,
}

impl<'a, T> Args<'a, T> {
    /// Arguments for a cache called `name`, which the kernel copies.
    ///
    /// A name has no blank and no slash, and must be unique. For a second cache of the same name
    /// the kernel logs a warning and shows only one of them in `/sys/kernel/slab`.
    #[inline]
    pub const fn new(name: &'a CStr) -> Self {
        Self {
            name,
            flags: 0,
            zone: 0,
            align: align_of::<T>(),
            usercopy: UsercopyRegion { offset: 0, size: 0 },
            _object: PhantomData,
        }
    }

    /// Aligns objects to `N` bytes if `T` is aligned to less. `N` is a power of two, at most a
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

    /// `SLAB_HWCACHE_ALIGN`: aligns objects to cache lines, and small ones to a fraction of a line.
    #[doc(alias = "SLAB_HWCACHE_ALIGN")]
    #[inline]
    pub const fn hwcache_align(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_HWCACHE_ALIGN;
        self
    }

    /// `SLAB_ACCOUNT`: charges every object to the memory cgroup of the allocating task.
    #[doc(alias = "SLAB_ACCOUNT")]
    #[inline]
    pub const fn account(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_ACCOUNT;
        self
    }

    /// `SLAB_RECLAIM_ACCOUNT`: objects are reclaimable by a shrinker.
    #[doc(alias = "SLAB_RECLAIM_ACCOUNT")]
    #[inline]
    pub const fn reclaim_account(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_RECLAIM_ACCOUNT;
        self
    }

    /// `SLAB_NO_MERGE`: the kernel does not merge this cache with similar ones. Meant for tests and
    /// debugging.
    #[doc(alias = "SLAB_NO_MERGE")]
    #[inline]
    pub const fn no_merge(mut self) -> Self {
        self.flags |= KALLOC_CONST_SLAB_NO_MERGE;
        self
    }

    /// `SLAB_CACHE_DMA`: objects are from `ZONE_DMA`, the first 16 MiB on x86.
    ///
    /// An allocation with `.nofail()` waits until the zone has memory, which may be for ever.
    ///
    /// A cache has one zone: the last call of this or [`Args::cache_dma32`] takes effect.
    #[doc(alias = "SLAB_CACHE_DMA")]
    #[inline]
    pub const fn cache_dma(mut self) -> Self {
        self.zone = KALLOC_CONST_SLAB_CACHE_DMA;
        self
    }

    /// `SLAB_CACHE_DMA32`: objects are from `ZONE_DMA32`, the first 4 GiB. For `.nofail()` see
    /// [`Args::cache_dma`].
    #[doc(alias = "SLAB_CACHE_DMA32")]
    #[inline]
    pub const fn cache_dma32(mut self) -> Self {
        self.zone = KALLOC_CONST_SLAB_CACHE_DMA32;
        self
    }

    /// The field of each object that may be copied to and from user space, made by
    /// [`usercopy!`](crate::usercopy!). The default is none.
    ///
    /// `CONFIG_HARDENED_USERCOPY` rejects a copy of any other part.
    #[doc(alias = "kmem_cache_create_usercopy")]
    #[inline]
    pub const fn usercopy<F>(mut self, field: Field<T, F>) -> Self {
        self.usercopy = UsercopyRegion {
            offset: field.offset(),
            size: size_of::<F>(),
        };
        self
    }
}
