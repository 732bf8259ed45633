// SPDX-License-Identifier: GPL-2.0

//! The modifiers, which wrap a base or other modifiers.

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
use core::convert::Infallible;
use kalloc_bindings::*;
use kernel::bindings::gfp_t;

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

        /// The modifiers, on every combination of flags that may have them.
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

            /// `__GFP_NOFAIL`: waits until there is memory, for as long as it takes.
            ///
            /// The error type has no value then. Should the kernel all the same return NULL, kalloc
            /// panics.
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
    Dma, dma = KALLOC_CONST___GFP_DMA, needs [NoZoneModifier],
        keeps [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_DMA32`: from `ZONE_DMA32`, the first 4 GiB. Only for pages.
    Dma32, dma32 = KALLOC_CONST___GFP_DMA32, needs [NoZoneModifier],
        keeps [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_HIGHMEM`: may come from high memory, which has no kernel address. Only for pages.
    Highmem, highmem = KALLOC_CONST___GFP_HIGHMEM, needs [NoZoneModifier],
        keeps [DirectReclaim NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_NORETRY`: gives up after one round of reclaim, without the OOM killer.
    NoRetry, noretry = KALLOC_CONST___GFP_NORETRY, needs [DirectReclaim NoRetryModifier],
        keeps [DirectReclaim NoZoneModifier NoMobility AnyNode MayFail];
    /// `__GFP_RETRY_MAYFAIL`: tries hard, and fails when no progress is made, without the OOM
    /// killer.
    RetryMayfail, retry_mayfail = KALLOC_CONST___GFP_RETRY_MAYFAIL, needs [DirectReclaim NoRetryModifier],
        keeps [DirectReclaim NoZoneModifier NoMobility AnyNode MayFail];
    /// `__GFP_MOVABLE`: the kernel may move the page. Only for pages.
    Movable, movable = KALLOC_CONST___GFP_MOVABLE, needs [NoMobility],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier AnyNode MayFail];
    /// `__GFP_RECLAIMABLE`: a shrinker can free the memory.
    Reclaimable, reclaimable = KALLOC_CONST___GFP_RECLAIMABLE, needs [NoMobility],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier AnyNode MayFail];
    /// `__GFP_ZERO`: the memory is zero.
    Zeroed, zeroed = KALLOC_CONST___GFP_ZERO, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_NOWARN`: a failure is not reported in the log.
    NoWarn, nowarn = KALLOC_CONST___GFP_NOWARN, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_ACCOUNT`: charged to the memory cgroup of the caller.
    Account, account = KALLOC_CONST___GFP_ACCOUNT, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_THISNODE`: from the node that is asked for (by default the caller's), or not at all.
    ThisNode, thisnode = KALLOC_CONST___GFP_THISNODE, needs [MayFail],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility MayFail];
    /// `__GFP_COMP`: the pages are one compound page. Only for pages.
    Comp, comp = KALLOC_CONST___GFP_COMP, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_HARDWALL`: within the caller's cpuset.
    Hardwall, hardwall = KALLOC_CONST___GFP_HARDWALL, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
    /// `__GFP_NOMEMALLOC`: never from the emergency reserves.
    NoMemalloc, nomemalloc = KALLOC_CONST___GFP_NOMEMALLOC, needs [],
        keeps [DirectReclaim NoZoneModifier NoRetryModifier NoMobility AnyNode MayFail];
}

/// Flags with what [`Modify::nofail`] adds.
#[derive(Clone, Copy, Debug)]
pub struct NoFail<F>(F);

impl<F: Gfp> Sealed for NoFail<F> {}
impl<F: Gfp> Gfp for NoFail<F> {
    const BITS: gfp_t = F::BITS | KALLOC_CONST___GFP_NOFAIL;
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
