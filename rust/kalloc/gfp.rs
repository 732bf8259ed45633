// SPDX-License-Identifier: GPL-2.0

//! GFP flags as types, and the grants that pair them with a context.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)
//!
//! A base such as [`Kernel`] or [`GfpAtomic`] is one of C's combinations; modifiers wrap it. What
//! may not be combined does not compile, and neither do flags in a context that forbids them:
//!
//! ```
//! use kalloc::prelude::*;
//!
//! fn buffers(task: &mut Task) -> Result {
//!     // GFP_KERNEL, the default of process context.
//!     let _plain = KBox::<[u8; 64]>::new_uninit(&task)?;
//!     // GFP_KERNEL | __GFP_ACCOUNT | __GFP_NORETRY
//!     let _accounted = KBox::<[u8; 64]>::new_uninit(task.with(Kernel.account().noretry()))?;
//!     Ok(())
//! }
//! ```
//!
//! | type | C | contexts |
//! | --- | --- | --- |
//! | [`Kernel`], [`KernelAccount`], [`User`], [`HighUser`], [`HighUserMovable`] | `GFP_KERNEL`, … | [`SleepFs`] |
//! | [`GfpNoFs`] | `GFP_NOFS` | [`SleepIo`] |
//! | [`GfpNoIo`] | `GFP_NOIO` | [`Sleep`] |
//! | [`GfpAtomic`], [`GfpNowait`], [`NoReclaim`] | `GFP_ATOMIC`, `GFP_NOWAIT`, `GFP_KERNEL & ~__GFP_RECLAIM` | [`Allocate`] |
//!
//! `__GFP_HIGH`, `__GFP_IO`, `__GFP_FS`, `__GFP_DIRECT_RECLAIM` and `__GFP_KSWAPD_RECLAIM` are
//! parts of these and stand nowhere alone. There are no flags at run time, no operator that takes
//! bits apart and no constructor from bits.

use crate::{
    allocator::Allocator,
    context::{private::Sealed, Allocate, Context, Reclaim, Sleep, SleepFs, SleepIo},
    kmalloc::Kmalloc,
    kvmalloc::KVmalloc,
    node::Node,
    page::{Low, Memory},
    vmalloc::Vmalloc,
};
use core::{
    convert::Infallible,
    fmt,
    marker::PhantomData, //
};
use kalloc_bindings::*;
use kernel::{
    alloc::{AllocError, Flags},
    bindings::{gfp_t, NUMA_NO_NODE},
    error::Error,
    str::CStrExt as _,
};

/// A combination of GFP flags, as a type.
pub trait Gfp: Sealed + Copy + fmt::Debug + 'static {
    /// The `gfp_t` that the kernel gets.
    const BITS: gfp_t;

    /// Whether the kernel waits until there is memory.
    #[doc(hidden)]
    const NOFAIL: bool = Self::BITS & KALLOC_CONST___GFP_NOFAIL != 0;

    /// What it is that can go wrong: [`AllocError`], or [`Infallible`] under `__GFP_NOFAIL`.
    type Failure: Copy + fmt::Debug + 'static;

    /// What to do with NULL.
    #[doc(hidden)]
    fn failed() -> Failed<Self>;

    /// Whether the kernel, asked now, permits an allocation with these flags: asked by the allocators
    /// of boxes. Other flags than those of [`Checked`](crate::checked::Checked) need no question.
    #[doc(hidden)]
    #[inline(always)]
    fn permitted() -> bool {
        true
    }

    /// The kernel crate's value of these flags, for its own containers. It does not leave this
    /// crate: a value would outlive its grant.
    #[doc(hidden)]
    const FLAGS: FlagsValue = FlagsValue(
        // SAFETY: `Flags` is a struct of one `u32`. Of size 4, it has no place for it but its
        // beginning.
        unsafe { core::mem::transmute::<gfp_t, Flags>(Self::BITS) },
    );
}

/// Keeps [`Gfp::FLAGS`] in this crate.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct FlagsValue(pub(crate) Flags);

const _: () = assert!(size_of::<Flags>() == size_of::<gfp_t>());

/// Flags that may be used in the context `C`.
#[diagnostic::on_unimplemented(
    message = "the flags `{Self}` are not allowed in `{C}`",
    label = "these flags are not allowed here",
    note = "see the table in kalloc::gfp for the flags of each context"
)]
// The bound keeps drivers from implementing this for flags of kalloc and a type of their own.
pub trait AllowedIn<C: Context>: Gfp {}

/// Out of memory: the error of an allocation with the flags `F`.
///
/// It turns into the kernel crate's [`Error`] (`ENOMEM`) and [`AllocError`] by `?`. Under
/// `__GFP_NOFAIL` it has no value, so that `let Ok(x) = …;` is enough.
#[derive(Clone, Copy, Debug)]
pub struct Failed<F: Gfp>(pub F::Failure);

/// Out of memory, with the value that the caller handed in.
///
/// ```
/// use kalloc::prelude::*;
///
/// /// Keeps `value` in the caller's hands when there is no memory for it.
/// fn boxed(cx: &Atomic<'_>, value: [u8; 32]) -> Result<KBox<[u8; 32]>, [u8; 32]> {
///     KBox::new(cx, value).map_err(|failed| failed.value)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct FailedWith<F: Gfp, T> {
    /// What went wrong.
    pub failure: F::Failure,
    /// What could not be stored.
    pub value: T,
}

impl<F: Gfp, T> FailedWith<F, T> {
    pub(crate) fn new(Failed(failure): Failed<F>, value: T) -> Self {
        Self { failure, value }
    }
}

impl<F: Gfp, T> fmt::Debug for FailedWith<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Failed::<F>(self.failure).fmt(f)
    }
}

impl<F: Gfp> From<Failed<F>> for Error {
    fn from(_: Failed<F>) -> Self {
        kernel::error::code::ENOMEM
    }
}
impl<F: Gfp> From<Failed<F>> for AllocError {
    fn from(_: Failed<F>) -> Self {
        AllocError
    }
}
impl<F: Gfp, T> From<FailedWith<F, T>> for Error {
    fn from(_: FailedWith<F, T>) -> Self {
        kernel::error::code::ENOMEM
    }
}
impl<F: Gfp, T> From<FailedWith<F, T>> for AllocError {
    fn from(_: FailedWith<F, T>) -> Self {
        AllocError
    }
}
impl<F: Gfp, T> From<FailedWith<F, T>> for Failed<F> {
    fn from(with: FailedWith<F, T>) -> Self {
        Failed(with.failure)
    }
}

// What modifiers and allocators ask of flags ---------------------------------------------------------------------------

macro_rules! properties {
    ($($(#[$attr:meta])* $name:ident;)*) => {$(
        $(#[$attr])*
        pub trait $name: Gfp {}
    )*};
}

properties! {
    /// With direct reclaim: what `__GFP_NORETRY`, `__GFP_RETRY_MAYFAIL` and `__GFP_NOFAIL` modify.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` never waits for memory, so there is nothing to retry or to wait for",
        label = "nothing to retry",
        note = "`.noretry()`, `.retry_mayfail()` and `.nofail()` go with flags that may sleep, such as `Kernel`"
    )]
    Reclaims;
    /// With no zone chosen.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` already chooses a zone, or waits for memory that one zone may never have",
        label = "a second zone, or a zone with nofail",
        note = "at most one of `.dma()`, `.dma32()`, `.highmem()` and the bases `HighUser`, `HighUserMovable`; none with \
                `.nofail()`, which could then wait for ever"
    )]
    Unzoned;
    /// With no rule yet for when memory is short.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` already says what happens when memory is short",
        label = "a second rule for short memory",
        note = "`.noretry()`, `.retry_mayfail()` and `.nofail()` exclude one another"
    )]
    Unruled;
    /// With no mobility chosen.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` already says whether the memory can be moved or reclaimed",
        label = "a second mobility",
        note = "`.movable()`, `.reclaimable()` and the base `HighUserMovable` exclude one another"
    )]
    Unplaced;
    /// Not bound to one node.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is bound to one node, where `.nofail()` could wait for ever",
        label = "waits for one node"
    )]
    AnyNode;
    /// Without `__GFP_NOFAIL`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` promises memory, and the kernel cannot keep that promise here",
        label = "no promise of memory here",
        note = "`.nofail()` is for boxes of a known size, at most a page of kmalloc or `kmalloc::MAX_SIZE` of others: not for \
                zones, one node, or a length known at run time"
    )]
    MayFail;
}

/// A trait of all the flags that have certain others.
macro_rules! all_of {
    ($($(#[$attr:meta])* $name:ident: $($bound:path),* $(,)?;)*) => {$(
        $(#[$attr])*
        pub trait $name: $($bound +)* {}
        impl<F: $($bound +)*> $name for F {}
    )*};
}

all_of! {
    /// Flags that every allocator of its context accepts and every modifier can start from: the
    /// default of a context.
    Plain: Unzoned, Unruled, Unplaced, AnyNode, MayFail, ForKmalloc, ForKrealloc, ForPages<Kind = Low>,
        ForPagesExact, ForPagesBulk, ForPerCpu, ForDevm, ForDevmRealloc, ForSlab, ForConstructed,
        ForMempool, ForCoherent, ForNoncoherent, ForDmaPool;
    /// What the default flags of a context that may sleep are besides: those that the allocators
    /// accept that sleep.
    Sleeping: Plain, Reclaims, ForVmalloc, ForVrealloc, ForKVmalloc, ForKVrealloc, ForObjPool,
        WaitsForMempool;
}

// Bases ----------------------------------------------------------------------------------------------------------------

macro_rules! bases {
    ($($(#[$doc:meta])* $name:ident = $bits:ident, $context:ident, [$($property:ident)*];)*) => {$(
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
        impl<C: $context> AllowedIn<C> for $name {}
        $(impl $property for $name {})*
    )*};
}

/// `GFP_KERNEL & ~__GFP_RECLAIM`, as the kernel writes it.
const GFP_NORECLAIM: gfp_t = KALLOC_CONST_GFP_KERNEL & !KALLOC_CONST___GFP_RECLAIM;

/// None: kmalloc_nolock adds its own.
const GFP_NOLOCK: gfp_t = 0;

bases! {
    /// `GFP_KERNEL`: for the kernel's own data, may sleep, start I/O and call into file systems.
    Kernel = KALLOC_CONST_GFP_KERNEL, SleepFs,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_KERNEL_ACCOUNT`: as [`Kernel`], charged to the memory cgroup of the caller.
    KernelAccount = KALLOC_CONST_GFP_KERNEL_ACCOUNT, SleepFs,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_USER`: for memory that user space sees, within the caller's cpuset.
    User = KALLOC_CONST_GFP_USER, SleepFs,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_HIGHUSER`: as [`User`], may come from high memory, so only for pages.
    HighUser = KALLOC_CONST_GFP_HIGHUSER, SleepFs,
        [Reclaims Unruled Unplaced AnyNode MayFail];
    /// `GFP_HIGHUSER_MOVABLE`: as [`HighUser`], and the kernel may move it.
    HighUserMovable = KALLOC_CONST_GFP_HIGHUSER_MOVABLE, SleepFs,
        [Reclaims Unruled AnyNode MayFail];
    /// `GFP_NOFS`: may sleep and start I/O, does not call into file systems.
    GfpNoFs = KALLOC_CONST_GFP_NOFS, SleepIo,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_NOIO`: may sleep, does not start I/O.
    GfpNoIo = KALLOC_CONST_GFP_NOIO, Sleep,
        [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_ATOMIC`: does not sleep and may use part of the reserves.
    GfpAtomic = KALLOC_CONST_GFP_ATOMIC, Allocate,
        [Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_NOWAIT`: does not sleep, wakes kswapd, fails quietly. For callers with a fallback.
    GfpNowait = KALLOC_CONST_GFP_NOWAIT, Allocate,
        [Unzoned Unruled Unplaced AnyNode MayFail];
    /// `GFP_KERNEL & ~__GFP_RECLAIM`: takes what is free and does not even wake kswapd. Does not
    /// sleep.
    NoReclaim = GFP_NORECLAIM, Allocate,
        [Unzoned Unruled Unplaced AnyNode MayFail];
    /// No flags at all: what the allocators that take no lock start from, in every context. Only
    /// for [`nolock`](crate::nolock).
    Nolock = GFP_NOLOCK, Context,
        [MayFail];
}

// Modifiers ------------------------------------------------------------------------------------------------------------

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
                fn failed() -> Failed<Self> {
                    Failed(F::failed().0)
                }
                #[inline(always)]
                fn permitted() -> bool {
                    F::permitted()
                }
            }
            impl<C: Context, F: AllowedIn<C>> AllowedIn<C> for $name<F> {}
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
                Self: Reclaims + Unzoned + Unruled + AnyNode,
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
    Dma, dma = KALLOC_CONST___GFP_DMA, needs [Unzoned],
        keeps [Reclaims Unruled Unplaced AnyNode MayFail];
    /// `__GFP_DMA32`: from `ZONE_DMA32`, the first 4 GiB. Only for pages.
    Dma32, dma32 = KALLOC_CONST___GFP_DMA32, needs [Unzoned],
        keeps [Reclaims Unruled Unplaced AnyNode MayFail];
    /// `__GFP_HIGHMEM`: may come from high memory, which has no kernel address. Only for pages.
    Highmem, highmem = KALLOC_CONST___GFP_HIGHMEM, needs [Unzoned],
        keeps [Reclaims Unruled Unplaced AnyNode MayFail];
    /// `__GFP_NORETRY`: gives up after one round of reclaim, without the OOM killer.
    NoRetry, noretry = KALLOC_CONST___GFP_NORETRY, needs [Reclaims Unruled],
        keeps [Reclaims Unzoned Unplaced AnyNode MayFail];
    /// `__GFP_RETRY_MAYFAIL`: tries hard, and fails when no progress is made, without the OOM
    /// killer.
    RetryMayfail, retry_mayfail = KALLOC_CONST___GFP_RETRY_MAYFAIL, needs [Reclaims Unruled],
        keeps [Reclaims Unzoned Unplaced AnyNode MayFail];
    /// `__GFP_MOVABLE`: the kernel may move the page. Only for pages.
    Movable, movable = KALLOC_CONST___GFP_MOVABLE, needs [Unplaced],
        keeps [Reclaims Unzoned Unruled AnyNode MayFail];
    /// `__GFP_RECLAIMABLE`: a shrinker can free the memory.
    Reclaimable, reclaimable = KALLOC_CONST___GFP_RECLAIMABLE, needs [Unplaced],
        keeps [Reclaims Unzoned Unruled AnyNode MayFail];
    /// `__GFP_ZERO`: the memory is zero.
    Zeroed, zeroed = KALLOC_CONST___GFP_ZERO, needs [],
        keeps [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `__GFP_NOWARN`: a failure is not reported in the log.
    NoWarn, nowarn = KALLOC_CONST___GFP_NOWARN, needs [],
        keeps [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `__GFP_ACCOUNT`: charged to the memory cgroup of the caller.
    Account, account = KALLOC_CONST___GFP_ACCOUNT, needs [],
        keeps [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `__GFP_THISNODE`: from the node that is asked for (by default the caller's), or not at all.
    ThisNode, thisnode = KALLOC_CONST___GFP_THISNODE, needs [MayFail],
        keeps [Reclaims Unzoned Unruled Unplaced MayFail];
    /// `__GFP_COMP`: the pages are one compound page. Only for pages.
    Comp, comp = KALLOC_CONST___GFP_COMP, needs [],
        keeps [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `__GFP_HARDWALL`: within the caller's cpuset.
    Hardwall, hardwall = KALLOC_CONST___GFP_HARDWALL, needs [],
        keeps [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
    /// `__GFP_NOMEMALLOC`: never from the emergency reserves.
    NoMemalloc, nomemalloc = KALLOC_CONST___GFP_NOMEMALLOC, needs [],
        keeps [Reclaims Unzoned Unruled Unplaced AnyNode MayFail];
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
    fn failed() -> Failed<Self> {
        panic!("kalloc: NULL under __GFP_NOFAIL")
    }
}
impl<C: Reclaim, F: AllowedIn<C>> AllowedIn<C> for NoFail<F> {}
impl<F: Reclaims> Reclaims for NoFail<F> {}
impl<F: Unplaced> Unplaced for NoFail<F> {}
impl<F: AnyNode> AnyNode for NoFail<F> {}

// Allocators -----------------------------------------------------------------------------------------------------------

/// The matrix of allocator and flag: a row an allocator, with the bases and the modifiers that it
/// accepts.
///
/// A row `X as Y` is that of `Y`, which code that is generic over the allocator can name; `X` is
/// short for it.
macro_rules! allocators {
    (@row $trait:path: [$($base:ident)*] + [$($modifier:ident)*]) => {
        $(impl $trait for $base {})*
        $(impl<F: $trait> $trait for $modifier<F> {})*
    };
    (@rows) => {};
    (@rows
        $(#[$attr:meta])*
        $name:ident as $of:ident<$allocator:ident>: [$($base:ident)*] + [$($modifier:ident)*];
        $($rest:tt)*
    ) => {
        $(#[$attr])*
        pub trait $name: $of<$allocator> {}
        impl<F: $of<$allocator>> $name for F {}
        allocators!(@row $of<$allocator>: [$($base)*] + [$($modifier)*]);
        allocators!(@rows $($rest)*);
    };
    (@rows
        $(#[$attr:meta])*
        $name:ident $(of $of:ident)?: [$($base:ident)*] + [$($modifier:ident)*];
        $($rest:tt)*
    ) => {
        $(#[$attr])*
        pub trait $name: Gfp $(+ $of)? {}
        allocators!(@row $name: [$($base)*] + [$($modifier)*]);
        allocators!(@rows $($rest)*);
    };
    ($($rows:tt)*) => {
        allocators!(@rows $($rows)*);
    };
}

/// Flags that the allocator `A` accepts: [`ForKmalloc`], [`ForVmalloc`] or [`ForKVmalloc`].
///
/// For code that is generic over its allocator. Other generic code can name the row itself.
#[diagnostic::on_unimplemented(
    message = "`{A}` does not accept `{Self}`",
    label = "flags that this allocator rejects",
    note = "kmalloc knows no `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `HighUser` or `HighUserMovable`; use \
            pages, or the DMA API for device memory",
    note = "vmalloc and kvmalloc know also no `.dma()`, `.reclaimable()`, `.thisnode()` or `.nomemalloc()`, and kvmalloc no \
            `.noretry()`",
    note = "vmalloc and kvmalloc may sleep: where that is not allowed use `KBox`, or `new_nonblocking` and the like"
)]
pub trait For<A: Allocator>: Gfp {}

/// Flags with which the allocator `A` may make memory larger: [`ForKrealloc`], [`ForVrealloc`] or
/// [`ForKVrealloc`].
#[diagnostic::on_unimplemented(
    message = "`{A}` does not accept `{Self}` where memory may have to grow",
    label = "flags that realloc of this allocator rejects",
    note = "krealloc accepts what kmalloc does, but not `.zeroed()`, since `resize` fills what it adds, `.dma()`, since it \
            may keep the old memory, or `.nofail()`",
    note = "vrealloc and kvrealloc accept what vmalloc and kvmalloc do, but not `.zeroed()` and `.nofail()`; they free by \
            `vfree()`, which sleeps: make room before sleeping is forbidden"
)]
pub trait ForRealloc<A: Allocator>: Gfp {}

/// Flags with which the allocator `A` does not sleep: [`ForVmallocNonblocking`] or
/// [`ForKVmallocNonblocking`].
#[diagnostic::on_unimplemented(
    message = "`{A}` does not accept `{Self}` where it must not block",
    label = "flags that may sleep, or that this allocator rejects",
    note = "`GfpAtomic`, `GfpNowait` and `NoReclaim` do not sleep; with others use `new` and the like, which may"
)]
pub trait ForNonblocking<A: Allocator>: Gfp {}

allocators! {
    /// What kmalloc accepts: not `__GFP_DMA32`, `__GFP_HIGHMEM` (`GFP_SLAB_BUG_MASK`), `__GFP_COMP`
    /// (its own), nor `__GFP_MOVABLE` (nobody can move slab memory).
    #[diagnostic::on_unimplemented(
        message = "kmalloc does not accept `{Self}`",
        label = "flags that kmalloc rejects",
        note = "kmalloc knows no `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `HighUser` or `HighUserMovable`; use \
                pages, or the DMA API for device memory"
    )]
    ForKmalloc as For<Kmalloc>:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [Dma NoRetry RetryMayfail NoFail Reclaimable Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What krealloc accepts: as kmalloc, and not `__GFP_ZERO`, which it keeps only if every call
    /// for the memory had it, nor `__GFP_NOFAIL`, since no length is known to be small.
    #[diagnostic::on_unimplemented(
        message = "krealloc does not accept `{Self}`",
        label = "flags that krealloc rejects",
        note = "krealloc knows no `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `HighUser` or \
                `HighUserMovable`; nor `.zeroed()`, since `resize` fills what it adds, `.dma()`, since it \
                may keep the old memory, or `.nofail()`"
    )]
    ForKrealloc as ForRealloc<Kmalloc>:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry RetryMayfail Reclaimable NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What `alloc_pages()` accepts: everything. What memory it is follows from the flags.
    #[diagnostic::on_unimplemented(message = "the page allocator does not accept `{Self}`")]
    ForPages of Memory:
        [Kernel KernelAccount User HighUser HighUserMovable GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [Dma Dma32 Highmem NoRetry RetryMayfail NoFail Movable Reclaimable Zeroed NoWarn Account ThisNode Comp
           Hardwall NoMemalloc];
    /// What `alloc_pages_exact()` accepts: not `__GFP_COMP` and `__GFP_HIGHMEM`, which it takes out
    /// with a warning, nor `__GFP_NOFAIL`, since no size is known to be small.
    #[diagnostic::on_unimplemented(
        message = "alloc_pages_exact does not accept `{Self}`",
        label = "flags that alloc_pages_exact rejects",
        note = "it knows no `.comp()`, `.highmem()`, `.nofail()`, `HighUser` or `HighUserMovable`; `Pages` does"
    )]
    ForPagesExact:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [Dma Dma32 NoRetry RetryMayfail Movable Reclaimable Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What `alloc_pages_bulk()` accepts: not `__GFP_ACCOUNT`, with which it gives one page a call,
    /// `__GFP_NOFAIL`, which would promise no more than one page, and `__GFP_COMP`, which single
    /// pages are not.
    #[diagnostic::on_unimplemented(
        message = "alloc_pages_bulk does not accept `{Self}`",
        label = "flags that alloc_pages_bulk rejects",
        note = "it knows no `.account()`, `.nofail()`, `.comp()` or `KernelAccount`; `Pages` does, one at a time"
    )]
    ForPagesBulk of Memory:
        [Kernel User HighUser HighUserMovable GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [Dma Dma32 Highmem NoRetry RetryMayfail Movable Reclaimable Zeroed NoWarn ThisNode Hardwall NoMemalloc];
    /// What vmalloc accepts where it may sleep: of `GFP_VMALLOC_SUPPORTED` (mm/vmalloc.c) what
    /// reclaims.
    #[diagnostic::on_unimplemented(
        message = "vmalloc does not accept `{Self}`",
        label = "flags that vmalloc rejects, or with which it must not sleep",
        note = "vmalloc may sleep: where that is not allowed there are `new_nonblocking` and the like",
        note = "vmalloc knows no `.dma()`, `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `.reclaimable()`, `.thisnode()` \
                or `.nomemalloc()`"
    )]
    ForVmalloc as For<Vmalloc>:
        [Kernel KernelAccount User GfpNoFs GfpNoIo]
        + [NoRetry RetryMayfail NoFail Zeroed NoWarn Account Hardwall];
    /// What vmalloc accepts where it must not sleep: of `GFP_VMALLOC_SUPPORTED` (mm/vmalloc.c) what
    /// does not reclaim.
    #[diagnostic::on_unimplemented(
        message = "vmalloc does not accept `{Self}` where it must not block",
        label = "flags that may sleep, or that vmalloc rejects",
        note = "`GfpAtomic`, `GfpNowait` and `NoReclaim` do not sleep; with others use `new`, which may"
    )]
    ForVmallocNonblocking as ForNonblocking<Vmalloc>:
        [GfpAtomic GfpNowait NoReclaim]
        + [Zeroed NoWarn Account Hardwall];
    /// What vrealloc accepts: as vmalloc, and not `__GFP_ZERO` and `__GFP_NOFAIL`, as for krealloc.
    /// It sleeps whatever the flags, since it frees by `vfree()`.
    #[diagnostic::on_unimplemented(
        message = "vrealloc does not accept `{Self}`",
        label = "flags that vrealloc rejects, or with which it must not sleep",
        note = "vrealloc frees the old memory by `vfree()`, which sleeps: make room before sleeping is forbidden",
        note = "as vmalloc, and no `.zeroed()` and `.nofail()`"
    )]
    ForVrealloc as ForRealloc<Vmalloc>:
        [Kernel KernelAccount User GfpNoFs GfpNoIo]
        + [NoRetry RetryMayfail NoWarn Account Hardwall];
    /// What kvmalloc accepts where it may sleep: what kmalloc and vmalloc do, and not
    /// `__GFP_NORETRY` (its own).
    #[diagnostic::on_unimplemented(
        message = "kvmalloc does not accept `{Self}`",
        label = "flags that kvmalloc rejects, or with which it must not sleep",
        note = "kvmalloc may sleep: where that is not allowed there are `new_nonblocking` and the like, and `KBox`",
        note = "as vmalloc, and no `.noretry()`"
    )]
    ForKVmalloc as For<KVmalloc>:
        [Kernel KernelAccount User GfpNoFs GfpNoIo]
        + [RetryMayfail NoFail Zeroed NoWarn Account Hardwall];
    /// What kvmalloc accepts where it must not sleep: as vmalloc.
    #[diagnostic::on_unimplemented(
        message = "kvmalloc does not accept `{Self}` where it must not block",
        label = "flags that may sleep, or that kvmalloc rejects",
        note = "`GfpAtomic`, `GfpNowait` and `NoReclaim` do not sleep; with others use `new`, which may"
    )]
    ForKVmallocNonblocking as ForNonblocking<KVmalloc>:
        [GfpAtomic GfpNowait NoReclaim]
        + [Zeroed NoWarn Account Hardwall];
    /// What kvrealloc accepts: as kvmalloc, and not `__GFP_ZERO` and `__GFP_NOFAIL`, as for
    /// krealloc. It sleeps whatever the flags, since it frees by `vfree()`.
    #[diagnostic::on_unimplemented(
        message = "kvrealloc does not accept `{Self}`",
        label = "flags that kvrealloc rejects, or with which it must not sleep",
        note = "kvrealloc may free the old memory by `vfree()`, which sleeps: make room before sleeping is forbidden",
        note = "as kvmalloc, and no `.zeroed()` and `.nofail()`"
    )]
    ForKVrealloc as ForRealloc<KVmalloc>:
        [Kernel KernelAccount User GfpNoFs GfpNoIo]
        + [RetryMayfail NoWarn Account Hardwall];
    /// What kmalloc_nolock accepts: `__GFP_ACCOUNT` and `__GFP_ZERO`, on no other flags.
    #[diagnostic::on_unimplemented(
        message = "kmalloc_nolock does not accept `{Self}`",
        label = "flags that kmalloc_nolock rejects",
        note = "kmalloc_nolock knows only `Nolock`, `Nolock.account()` and `Nolock.zeroed()`"
    )]
    ForNolock:
        [Nolock] + [Zeroed Account];
    /// What objpool_init accepts: flags that sleep and that vmalloc, from which the memory comes,
    /// supports (`GFP_VMALLOC_SUPPORTED`).
    #[diagnostic::on_unimplemented(
        message = "objpool_init does not accept `{Self}`",
        label = "flags that objpool_init rejects",
        note = "a pool is made in process context, of vmalloc's memory: with `Kernel`, `KernelAccount`, `GfpNoFs` or \
                `GfpNoIo`, and `.noretry()`, `.retry_mayfail()`, `.nowarn()`, `.account()`"
    )]
    ForObjPool:
        [Kernel KernelAccount GfpNoFs GfpNoIo]
        + [NoRetry RetryMayfail NoWarn Account];
    /// What the per-CPU allocator looks at: whether it may sleep (`GFP_NOIO` of the flags goes on to
    /// the pages), `__GFP_NORETRY`, `__GFP_NOWARN` and `__GFP_ACCOUNT`. All others it drops without
    /// a word, and its memory is always zero.
    #[diagnostic::on_unimplemented(
        message = "the per-CPU allocator drops `{Self}`, or a part of it, without a word",
        label = "flags without effect on per-CPU memory",
        note = "per-CPU memory knows `.noretry()`, `.nowarn()`, `.account()` and `.zeroed()` on flags of its context; \
                it has no zones, and a promise of `.nofail()` is not kept"
    )]
    ForPerCpu:
        [Kernel KernelAccount GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry Zeroed NoWarn Account];
    /// What `devm_kmalloc()` accepts: as kmalloc, and not `__GFP_NOFAIL`, since a probe can fail. The
    /// node is that of the device.
    #[diagnostic::on_unimplemented(
        message = "devm_kmalloc does not accept `{Self}`",
        label = "flags that devm_kmalloc rejects",
        note = "as for kmalloc there is no `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `HighUser` or \
                `HighUserMovable`; and no `.nofail()`, since probe can return the error"
    )]
    ForDevm:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [Dma NoRetry RetryMayfail Reclaimable Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What `devm_krealloc()` accepts: as `devm_kmalloc()`, and neither `__GFP_ZERO`, since it may
    /// keep the old memory and has its rest as it is, nor `__GFP_DMA`, for the same reason.
    #[diagnostic::on_unimplemented(
        message = "devm_krealloc does not accept `{Self}`",
        label = "flags that devm_krealloc rejects",
        note = "it may keep the old memory, so there is no `.zeroed()` (`resize` fills what it adds) and no `.dma()`; \
                otherwise as devm_kmalloc"
    )]
    ForDevmRealloc:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry RetryMayfail Reclaimable NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What a slab cache accepts: as kmalloc, and neither `__GFP_DMA` nor `__GFP_RECLAIMABLE`. Both
    /// are properties of the cache, and of a call they would silently be dropped.
    #[diagnostic::on_unimplemented(
        message = "a slab cache does not accept `{Self}`",
        label = "flags that a slab cache rejects, or would silently drop",
        note = "the zone and `reclaim_account` are properties of the cache (`slab::Args`); as for kmalloc there is no \
                `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `HighUser` or `HighUserMovable`"
    )]
    ForSlab:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry RetryMayfail NoFail Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What a slab cache with a constructor accepts: as any, and not `__GFP_ZERO`, which would undo
    /// what the constructor did. (The kernel warns.)
    #[diagnostic::on_unimplemented(
        message = "a slab cache with a constructor does not accept `{Self}`",
        label = "flags that a cache with a constructor rejects",
        note = "objects come as their constructor made them: no `.zeroed()`; otherwise as for every slab cache"
    )]
    ForConstructed:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry RetryMayfail NoFail NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What a memory pool accepts: what can be said of its reserve too, which was there before. No
    /// zeroes, zone, node or accounting.
    #[diagnostic::on_unimplemented(
        message = "a memory pool does not accept `{Self}`",
        label = "flags that a memory pool rejects",
        note = "an element may come from the reserve, which was allocated before: no `.zeroed()`, zone, `.thisnode()`, \
                `.account()`, `KernelAccount` or mobility. A pool has its own rule for when memory is short: no \
                `.retry_mayfail()`, and `MempoolBox::new` cannot fail without `.nofail()`"
    )]
    ForMempool:
        [Kernel User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry NoWarn Hardwall NoMemalloc];
    /// Flags with which a memory pool waits for an element, so that it always gives one.
    #[diagnostic::on_unimplemented(
        message = "a memory pool cannot wait with `{Self}`",
        label = "these flags do not wait, or a memory pool rejects them",
        note = "where sleeping is not allowed use `MempoolBox::try_new`, which may fail"
    )]
    WaitsForMempool:
        [Kernel User GfpNoFs GfpNoIo]
        + [NoRetry NoWarn Hardwall NoMemalloc];
    /// What `dma_alloc_attrs()` accepts: not `__GFP_COMP`, with which it warns and fails, the zones,
    /// which it takes out without a word (the mask says which memory the device reaches), mobility
    /// (nobody moves what a device writes to) or `__GFP_NOFAIL`, since it comes from one zone.
    #[diagnostic::on_unimplemented(
        message = "dma_alloc_attrs does not accept `{Self}`",
        label = "flags that dma_alloc_attrs rejects, or would silently drop",
        note = "the DMA mask chooses the zone: no `.dma()`, `.dma32()`, `.highmem()`, `HighUser` or `HighUserMovable`; nor \
                `.comp()`, `.movable()`, `.reclaimable()` or `.nofail()`"
    )]
    ForCoherent:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry RetryMayfail Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What `dma_alloc_pages()` accepts: as `dma_alloc_attrs()`. With a zone too it warns and fails.
    #[diagnostic::on_unimplemented(
        message = "dma_alloc_pages does not accept `{Self}`",
        label = "flags that dma_alloc_pages rejects",
        note = "the DMA mask chooses the zone: no `.dma()`, `.dma32()`, `.highmem()`, `HighUser` or `HighUserMovable`; nor \
                `.comp()`, `.movable()`, `.reclaimable()` or `.nofail()`"
    )]
    ForNoncoherent:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry RetryMayfail Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// What `dma_pool_alloc()` accepts: what both kmalloc and `dma_alloc_attrs()` do, since it asks
    /// them for more when the pool is empty; and not `__GFP_ACCOUNT`, since the page is not the
    /// caller's alone.
    #[diagnostic::on_unimplemented(
        message = "dma_pool_alloc does not accept `{Self}`",
        label = "flags that dma_pool_alloc rejects",
        note = "as dma_alloc_attrs, and no `.account()` or `KernelAccount`: the page is not the caller's alone"
    )]
    ForDmaPool:
        [Kernel User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim]
        + [NoRetry RetryMayfail Zeroed NoWarn ThisNode Hardwall NoMemalloc];
}

// Grants ---------------------------------------------------------------------------------------------------------------

/// Flags that the context of the caller permits: the first argument of every allocating function.
///
/// `&task` or `&cx`, a reference to a token, grants the default flags of its context.
/// [`Context::with`] grants others. A grant is `Copy` and borrows its token, so it ends where the
/// context does. Generic code takes `impl Grant`:
///
/// ```
/// use kalloc::{gfp::Failed, prelude::*};
///
/// fn pair<G: Grant<Flags: ForKmalloc>>(grant: G) -> Result<(KBox<u8>, KBox<u8>), Failed<G::Flags>> {
///     Ok((KBox::new(grant, 1)?, KBox::new(grant, 2)?))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not permit an allocation",
    label = "a grant is expected here: `&task`, `&cx`, or `task.with(Kernel)`",
    note = "a grant is a reference to the token of a context in which the allocators work; where `task` \
            is a reference already (`task: &Task`), it is `task` itself"
)]
pub trait Grant: Sealed + Copy {
    /// The flags.
    type Flags: Gfp;
    /// The context in which they are permitted.
    type Context: Context;

    /// Whether a node was asked for.
    #[doc(hidden)]
    const ON_NODE: bool = false;

    /// The node that was asked for.
    #[doc(hidden)]
    #[inline(always)]
    fn nid(self) -> i32 {
        NUMA_NO_NODE
    }

    /// A grant of the same flags that prefers the memory of `node`; with [`Modify::thisnode`], that
    /// takes no other.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn near(task: &Task, node: Node) -> Result<KBox<[u8; 64]>> {
    ///     Ok(KBox::zeroed(task.with(Kernel).on(node))?)
    /// }
    /// ```
    #[inline(always)]
    fn on(self, node: Node) -> OnNode<Self> {
        OnNode(self, node)
    }

    /// The flags as the kernel names them, for the log: wraps `%pGg`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn name(task: &Task) {
    ///     pr_info!("{}\n", task.flags()); // GFP_KERNEL
    /// }
    /// ```
    #[inline]
    fn flags(self) -> Names {
        Names(Self::Flags::BITS)
    }

    /// A grant of zeroed memory, for the constructors that promise it.
    #[doc(hidden)]
    #[inline(always)]
    fn zeroed(self) -> OfZeroes<Self> {
        OfZeroes(self)
    }
}

impl<C: Context> Sealed for &C {}
impl<C: Allocate> Grant for &C {
    type Flags = C::Flags;
    type Context = C;
}

/// A grant of the flags `F` in the context `C`, made by [`Context::with`].
#[derive(Debug)]
pub struct With<'c, F, C>(PhantomData<(&'c C, F)>);

impl<F, C> With<'_, F, C> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}
impl<F, C> Clone for With<'_, F, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<F, C> Copy for With<'_, F, C> {}
impl<F, C> Sealed for With<'_, F, C> {}
// `Context::with` has asked whether the flags are allowed; not asked again, a misuse is one error
// and not two.
impl<F: Gfp, C: Context> Grant for With<'_, F, C> {
    type Flags = F;
    type Context = C;
}

/// A grant that prefers a node, made by [`Grant::on`].
#[derive(Clone, Copy, Debug)]
pub struct OnNode<G>(G, Node);

impl<G: Grant> Sealed for OnNode<G> {}
impl<G: Grant> Grant for OnNode<G> {
    type Flags = G::Flags;
    type Context = G::Context;
    const ON_NODE: bool = true;
    #[inline(always)]
    fn nid(self) -> i32 {
        self.1.id()
    }
}

/// A grant of zeroed memory. Zeroes need no permission of their own.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct OfZeroes<G>(G);

impl<G: Grant> Sealed for OfZeroes<G> {}
impl<G: Grant> Grant for OfZeroes<G> {
    type Flags = Zeroed<G::Flags>;
    type Context = G::Context;
    const ON_NODE: bool = G::ON_NODE;
    #[inline(always)]
    fn nid(self) -> i32 {
        self.0.nid()
    }
}

/// The names of flags, made by [`Grant::flags`].
#[derive(Clone, Copy, Debug)]
pub struct Names(gfp_t);

impl kernel::fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 256];
        // SAFETY: The buffer is valid for writes of its length, and the format takes a pointer to a
        // `gfp_t`.
        let len = unsafe {
            kernel::bindings::scnprintf(
                text.as_mut_ptr(),
                text.len(),
                c"%pGg".as_char_ptr(),
                &raw const self.0,
            )
        };
        f.write_str(core::str::from_utf8(&text[..len as usize]).map_err(|_| fmt::Error)?)
    }
}
