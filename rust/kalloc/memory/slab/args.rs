// SPDX-License-Identifier: GPL-2.0

//! What a cache is made from.

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

/// A part of each object that may be copied to and from user space.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) offset: usize,
    pub(super) size: usize,
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
    pub(super) name: &'a CStr,
    pub(super) flags: slab_flags_t,
    pub(super) zone: slab_flags_t,
    pub(super) align: usize,
    pub(super) window: Window,
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
