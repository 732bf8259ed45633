// SPDX-License-Identifier: GPL-2.0

//! The base flags: C's combinations such as `GFP_KERNEL`, each a type and a constant.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)

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
    /// `GFP_HIGHUSER`: as [`GfpUser`], but the memory may be high memory. Only for pages.
    GFP_HIGHUSER: GfpHighUser = KALLOC_CONST_GFP_HIGHUSER,
        [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `GFP_HIGHUSER_MOVABLE`: as [`GfpHighUser`], and the kernel may move the page.
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
    /// `GFP_KERNEL & ~__GFP_RECLAIM`: takes free memory only, and does not wake kswapd. Does not
    /// sleep.
    GFP_NORECLAIM: GfpNoReclaim = KALLOC_CONST_GFP_KERNEL & !KALLOC_CONST___GFP_RECLAIM,
        [NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// No flags: `kmalloc_nolock()` adds its own. Allowed in every context. Only for
    /// [`nolock`](crate::nolock).
    GFP_NOLOCK: GfpNolock = 0,
        [MayFail];
}
