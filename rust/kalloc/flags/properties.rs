// SPDX-License-Identifier: GPL-2.0

//! Properties that modifiers require of the flags that they modify.

use crate::flags::gfp::Gfp;

macro_rules! properties {
    ($($(#[$attr:meta])* $name:ident;)*) => {$(
        $(#[$attr])*
        pub trait $name: Gfp {}
    )*};
}

properties! {
    /// With direct reclaim, which `__GFP_NORETRY`, `__GFP_RETRY_MAYFAIL` and `__GFP_NOFAIL` modify.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` never waits for memory, so a retry modifier has no effect",
        label = "flags without direct reclaim",
        note = "`.noretry()`, `.retry_mayfail()` and `.nofail()` go with flags that may sleep, such as `GFP_KERNEL`"
    )]
    DirectReclaim;
    /// Without a zone modifier.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` already chooses a zone, or waits for memory that one zone may never have",
        label = "a second zone, or a zone with nofail",
        note = "at most one of `.dma()`, `.dma32()`, `.highmem()` and the bases `GFP_HIGHUSER`, `GFP_HIGHUSER_MOVABLE`; none with \
                `.nofail()`, which could then wait forever"
    )]
    NoZoneModifier;
    /// Without a retry modifier.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` already has a retry modifier",
        label = "a second retry modifier",
        note = "`.noretry()`, `.retry_mayfail()` and `.nofail()` exclude one another"
    )]
    NoRetryModifier;
    /// Without a mobility flag.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` already has a mobility flag",
        label = "a second mobility flag",
        note = "`.movable()`, `.reclaimable()` and the base `GFP_HIGHUSER_MOVABLE` exclude one another"
    )]
    NoMobility;
    /// Not bound to one node.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is bound to one node, where `.nofail()` could wait forever",
        label = "waits for one node"
    )]
    AnyNode;
    /// Without `__GFP_NOFAIL`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has `.nofail()`, which the kernel cannot guarantee here",
        label = "this allocation may fail",
        note = "`.nofail()` is for boxes of a known size, at most a page of kmalloc or `kmalloc::MAX_SIZE` of others: not for \
                zones, one node, or a length known at run time"
    )]
    MayFail;
}
