// SPDX-License-Identifier: GPL-2.0

//! The bases: C's combinations of flags, each a type and its constant.

use crate::{
    flags::{
        gfp::{
            AllocFailed,
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
    ($($(#[$doc:meta])* $constant:ident: $name:ident = $bits:expr, [$($property:ident)*];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        $(#[$doc])*
        pub const $constant: $name = $name;

        impl Sealed for $name {}
        impl Gfp for $name {
            const BITS: gfp_t = $bits;
            type Failure = AllocError;
            #[cold]
            #[inline]
            fn failed() -> AllocFailed<Self> {
                AllocFailed(AllocError)
            }
        }
        $(impl $property for $name {})*
    )*};
}

bases! {
    /// `GFP_KERNEL`: for the kernel's own data, may sleep, start I/O and call into file systems.
    GFP_KERNEL: GfpKernel = KALLOC_CONST_GFP_KERNEL,
        [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_KERNEL_ACCOUNT`: as [`GfpKernel`], charged to the memory cgroup of the caller.
    GFP_KERNEL_ACCOUNT: GfpKernelAccount = KALLOC_CONST_GFP_KERNEL_ACCOUNT,
        [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_USER`: for memory that user space sees, within the caller's cpuset.
    GFP_USER: GfpUser = KALLOC_CONST_GFP_USER,
        [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_HIGHUSER`: as [`GfpUser`], may come from high memory, so only for pages.
    GFP_HIGHUSER: GfpHighUser = KALLOC_CONST_GFP_HIGHUSER,
        [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_HIGHUSER_MOVABLE`: as [`GfpHighUser`], and the kernel may move it.
    GFP_HIGHUSER_MOVABLE: GfpHighUserMovable = KALLOC_CONST_GFP_HIGHUSER_MOVABLE,
        [DirectReclaim NoRetryModifier AnyNode MayFail];
    /// `GFP_NOFS`: may sleep and start I/O, does not call into file systems.
    GFP_NOFS: GfpNoFs = KALLOC_CONST_GFP_NOFS,
        [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_NOIO`: may sleep, does not start I/O.
    GFP_NOIO: GfpNoIo = KALLOC_CONST_GFP_NOIO,
        [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_ATOMIC`: does not sleep and may use part of the reserves.
    GFP_ATOMIC: GfpAtomic = KALLOC_CONST_GFP_ATOMIC,
        [NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_NOWAIT`: does not sleep, wakes kswapd, fails quietly. For callers with a fallback.
    GFP_NOWAIT: GfpNowait = KALLOC_CONST_GFP_NOWAIT,
        [NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_KERNEL & ~__GFP_RECLAIM`: takes what is free and does not even wake kswapd. Does not
    /// sleep.
    GFP_NORECLAIM: GfpNoReclaim = KALLOC_CONST_GFP_KERNEL & !KALLOC_CONST___GFP_RECLAIM,
        [NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// No flags at all: `kmalloc_nolock()` adds its own. Allowed in every context. Only for [`nolock`](crate::nolock).
    GFP_NOLOCK: GfpNolock = 0,
        [MayFail];
}
