// SPDX-License-Identifier: GPL-2.0

//! The bases: C's combinations of flags.

use crate::{
    flags::{
        gfp::{
            Failed,
            Gfp, //
        },
        properties::*, //
    },
    ground::sealed::Sealed, //
};
use kalloc_bindings::*;
use kernel::{
    alloc::AllocError,
    bindings::gfp_t, //
};

macro_rules! bases {
    ($($(#[$doc:meta])* $name:ident = $bits:ident, [$($property:ident)*];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Sealed for $name {}
        impl Gfp for $name {
            const BITS: gfp_t = $bits;
            type Failure = AllocError;
            #[cold]
            #[inline]
            fn failed() -> Failed<Self> {
                Failed(AllocError)
            }
        }
        $(impl $property for $name {})*
    )*};
}

/// `GFP_KERNEL & ~__GFP_RECLAIM`, as the kernel writes it.
const GFP_NORECLAIM: gfp_t = KALLOC_CONST_GFP_KERNEL & !KALLOC_CONST___GFP_RECLAIM;

/// None: kmalloc_nolock adds its own.
const GFP_NOLOCK: gfp_t = 0;

bases! {
    /// `GFP_KERNEL`: for the kernel's own data, may sleep, start I/O and call into file systems.
    Kernel = KALLOC_CONST_GFP_KERNEL,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_KERNEL_ACCOUNT`: as [`Kernel`], charged to the memory cgroup of the caller.
    KernelAccount = KALLOC_CONST_GFP_KERNEL_ACCOUNT,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_USER`: for memory that user space sees, within the caller's cpuset.
    User = KALLOC_CONST_GFP_USER,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_HIGHUSER`: as [`User`], may come from high memory, so only for pages.
    HighUser = KALLOC_CONST_GFP_HIGHUSER,
        [Reclaims Unruled Unplaced AnyNode MayFail];
    /// `GFP_HIGHUSER_MOVABLE`: as [`HighUser`], and the kernel may move it.
    HighUserMovable = KALLOC_CONST_GFP_HIGHUSER_MOVABLE,
        [Reclaims Unruled AnyNode MayFail];
    /// `GFP_NOFS`: may sleep and start I/O, does not call into file systems.
    GfpNoFs = KALLOC_CONST_GFP_NOFS,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_NOIO`: may sleep, does not start I/O.
    GfpNoIo = KALLOC_CONST_GFP_NOIO,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_ATOMIC`: does not sleep and may use part of the reserves.
    GfpAtomic = KALLOC_CONST_GFP_ATOMIC,
        [Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_NOWAIT`: does not sleep, wakes kswapd, fails quietly. For callers with a fallback.
    GfpNowait = KALLOC_CONST_GFP_NOWAIT,
        [Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_KERNEL & ~__GFP_RECLAIM`: takes what is free and does not even wake kswapd. Does not
    /// sleep.
    NoReclaim = GFP_NORECLAIM,
        [Unzoned Unruled Unplaced AnyNode MayFail];
    /// No flags at all: what the allocators that take no lock start from, in every context. Only
    /// for [`nolock`](crate::nolock).
    Nolock = GFP_NOLOCK,
        [MayFail];
}
