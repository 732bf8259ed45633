// SPDX-License-Identifier: GPL-2.0

//! The modifiers: types that add one flag to a base or to other modifiers.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)
//!
//! `contexts/grant.rs` says how flags, contexts and allocators are checked together.

use crate::{
    flags::{
        gfp::{
            AllocFailed,
            FlagsValue,
            Gfp, //
        },
        properties::*, //
    },
    ground::sealed::Sealed, //
};
use core::convert::Infallible;
use kalloc_bindings::*;
use kernel::bindings::gfp_t;

// `needs`: properties that the flags must have. `keeps`: properties that the result has if the
// flags have them.
macro_rules! modifiers {
    ($(
        $(#[$doc:meta])*
        $name:ident, $method:ident = $bit:ident, needs [$($needs:ident)*], keeps [$($keeps:ident)*];
    )*) => {
        $(
            #[doc = concat!("Flags with what [`Modify::", stringify!($method), "`] adds.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name<F>(F);

            impl<F: Gfp> Sealed for $name<F> {}
            impl<F: Gfp> Gfp for $name<F> {
                const BITS: gfp_t = F::BITS | $bit;
                const FLAGS: FlagsValue = F::FLAGS.modified(Self::BITS);
                type Failure = F::Failure;
                #[inline]
                fn failed() -> AllocFailed<Self> {
                    AllocFailed(F::failed().0)
                }
                #[inline(always)]
                fn permitted() -> bool {
                    F::permitted()
                }
            }
            $(impl<F: $keeps> $keeps for $name<F> {})*
        )*

        /// The modifiers, as methods of the flags that they apply to.
        pub trait Modify: Gfp {
            $(
                $(#[$doc])*
                #[inline(always)]
                fn $method(self) -> $name<Self>
                where
                    $(Self: $needs,)*
                {
                    $name(self)
                }
            )*

            /// `__GFP_NOFAIL`: retries until the allocation succeeds, without limit.
            ///
            /// The error type has no value.
            ///
            /// # Panics
            ///
            /// Panics if the kernel returns NULL all the same.
            #[doc(alias = "__GFP_NOFAIL")]
            #[inline(always)]
            fn nofail(self) -> NoFail<Self>
            where
                Self: DirectReclaim + NoZoneModifier + NoRetryModifier + AnyNode,
            {
                NoFail(self)
            }
        }
        impl<F: Gfp> Modify for F {}
    };
}

modifiers! {
    /// `__GFP_DMA`: from `ZONE_DMA`, the first 16 MiB on x86. For ISA or broken PCI devices; the
    /// DMA API is better.
    #[doc(alias("__GFP_DMA", "GFP_DMA"))]
    Dma, dma = KALLOC_CONST___GFP_DMA, needs [NoZoneModifier],
        keeps [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_DMA32`: from `ZONE_DMA32`, the first 4 GiB. Only for pages.
    #[doc(alias("__GFP_DMA32", "GFP_DMA32"))]
    Dma32, dma32 = KALLOC_CONST___GFP_DMA32, needs [NoZoneModifier],
        keeps [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_HIGHMEM`: may come from high memory, which has no kernel address. Only for pages.
    #[doc(alias = "__GFP_HIGHMEM")]
    Highmem, highmem = KALLOC_CONST___GFP_HIGHMEM, needs [NoZoneModifier],
        keeps [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_NORETRY`: gives up after one round of reclaim, without the OOM killer.
    #[doc(alias = "__GFP_NORETRY")]
    NoRetry, noretry = KALLOC_CONST___GFP_NORETRY, needs [DirectReclaim NoRetryModifier],
        keeps [DirectReclaim NoZoneModifier NoMobility AnyNode MayFail];
    /// `__GFP_RETRY_MAYFAIL`: retries while reclaim makes progress, without the OOM killer.
    #[doc(alias("__GFP_RETRY_MAYFAIL", "__GFP_REPEAT"))]
    RetryMayfail, retry_mayfail = KALLOC_CONST___GFP_RETRY_MAYFAIL, needs [DirectReclaim NoRetryModifier],
        keeps [DirectReclaim NoZoneModifier NoMobility AnyNode MayFail];
    /// `__GFP_MOVABLE`: the kernel may move the page. Only for pages.
    #[doc(alias = "__GFP_MOVABLE")]
    Movable, movable = KALLOC_CONST___GFP_MOVABLE, needs [NoMobility],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier AnyNode MayFail];
    /// `__GFP_RECLAIMABLE`: a shrinker can free the memory.
    #[doc(alias = "__GFP_RECLAIMABLE")]
    Reclaimable, reclaimable = KALLOC_CONST___GFP_RECLAIMABLE, needs [NoMobility],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier AnyNode MayFail];
    /// `__GFP_ZERO`: the memory is zero.
    #[doc(alias = "__GFP_ZERO")]
    Zeroed, zeroed = KALLOC_CONST___GFP_ZERO, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_NOWARN`: a failure is not reported in the log.
    #[doc(alias = "__GFP_NOWARN")]
    NoWarn, nowarn = KALLOC_CONST___GFP_NOWARN, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_ACCOUNT`: charged to the memory cgroup of the caller.
    #[doc(alias = "__GFP_ACCOUNT")]
    Account, account = KALLOC_CONST___GFP_ACCOUNT, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_THISNODE`: from the requested node (by default the caller's) only.
    #[doc(alias = "__GFP_THISNODE")]
    ThisNode, thisnode = KALLOC_CONST___GFP_THISNODE, needs [MayFail],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility MayFail];
    /// `__GFP_COMP`: the pages are one compound page. Only for pages.
    #[doc(alias = "__GFP_COMP")]
    Comp, comp = KALLOC_CONST___GFP_COMP, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_HARDWALL`: within the caller's cpuset.
    #[doc(alias = "__GFP_HARDWALL")]
    Hardwall, hardwall = KALLOC_CONST___GFP_HARDWALL, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_NOMEMALLOC`: never from the emergency reserves.
    #[doc(alias = "__GFP_NOMEMALLOC")]
    NoMemalloc, nomemalloc = KALLOC_CONST___GFP_NOMEMALLOC, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
}

/// Flags with what [`Modify::nofail`] adds.
#[derive(Clone, Copy, Debug)]
pub struct NoFail<F>(F);

impl<F: Gfp> Sealed for NoFail<F> {}
impl<F: Gfp> Gfp for NoFail<F> {
    const BITS: gfp_t = F::BITS | KALLOC_CONST___GFP_NOFAIL;
    const FLAGS: FlagsValue = F::FLAGS.modified(Self::BITS);
    type Failure = Infallible;
    #[cold]
    #[inline(never)]
    fn failed() -> AllocFailed<Self> {
        panic!("kalloc: NULL under __GFP_NOFAIL")
    }
}
impl<F: DirectReclaim> DirectReclaim for NoFail<F> {}
impl<F: NoMobility> NoMobility for NoFail<F> {}
impl<F: AnyNode> AnyNode for NoFail<F> {}
