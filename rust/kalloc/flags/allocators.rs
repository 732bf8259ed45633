// SPDX-License-Identifier: GPL-2.0

//! The flags that each allocator accepts.
//!
//! An allocation compiles if three questions are answered yes. May these modifiers be combined
//! (`flags/properties.rs`)? Does the context permit the flags (`AllowedIn`, `contexts/grant.rs`)?
//! Does the allocator accept them (`For…`, here)? A token stands for the context; a grant for the
//! context and the flags.

use crate::{
    flags::{
        bases::*,
        gfp::Gfp,
        modifiers::*,
        page_kind::{
            Low,
            Memory, //
        },
        properties::*, //
    },
    ground::allocator_types::{
        KVmalloc,
        Kmalloc,
        UntypedAllocator,
        Vmalloc, //
    },
};

/// The table of allocators. Each row lists the bases and the modifiers that an allocator accepts.
/// A name in capitals is a list of bases.
///
/// A row `X as Y<A>` implements `Y<A>`, which code generic over the allocator can name. `X` is an
/// alias of `Y<A>`.
macro_rules! allocators {
    (@base SLEEPING: $trait:path) => {
        allocators!(@row $trait: [GfpKernel GfpUser GfpNoFs GfpNoIo] + []);
    };
    (@base NONBLOCKING: $trait:path) => {
        allocators!(@row $trait: [GfpAtomic GfpNowait GfpNoReclaim] + []);
    };
    (@base $base:ident: $trait:path) => {
        impl $trait for $base {}
    };
    (@row $trait:path: [$($base:ident)*] + [$($modifier:ident)*]) => {
        $(allocators!(@base $base: $trait);)*
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
/// For code generic over the allocator. Other generic code can name the trait of the allocator.
#[diagnostic::on_unimplemented(
    message = "`{A}` does not accept `{Self}`",
    label = "flags that this allocator rejects",
    note = "kmalloc rejects `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `GFP_HIGHUSER` and `GFP_HIGHUSER_MOVABLE`; use \
            pages, or the DMA API for device memory",
    note = "vmalloc and kvmalloc reject also `.dma()`, `.reclaimable()`, `.thisnode()` and `.nomemalloc()`, and kvmalloc \
            `.noretry()`",
    note = "vmalloc and kvmalloc may sleep: where that is not allowed use `KBox`, or `new_nonblocking` and the like"
)]
pub trait For<A: UntypedAllocator>: Gfp {}

/// Flags that the realloc function of the allocator `A` accepts: [`ForKrealloc`], [`ForVrealloc`]
/// or [`ForKVrealloc`].
#[diagnostic::on_unimplemented(
    message = "`{A}` does not accept `{Self}` where memory may have to grow",
    label = "flags that realloc of this allocator rejects",
    note = "krealloc accepts the flags of kmalloc, but not `.zeroed()`, since `resize` fills the new elements, `.dma()`, \
            since it may keep the old memory, or `.nofail()`",
    note = "vrealloc and kvrealloc accept the flags of vmalloc and kvmalloc, but not `.zeroed()` and `.nofail()`; they free by \
            `vfree()`, which sleeps: reserve capacity before entering the atomic section",
    note = "if the grant is `Checked`: it is for `KBox`, `VBox` and `KVBox` only; vectors and `Arc` need a token"
)]
pub trait ForRealloc<A: UntypedAllocator>: Gfp {}

/// Flags that the allocator `A` accepts where it must not sleep: [`ForVmallocNonblocking`] or
/// [`ForKVmallocNonblocking`].
#[diagnostic::on_unimplemented(
    message = "`{A}` does not accept `{Self}` where it must not block",
    label = "flags that may sleep, or that this allocator rejects",
    note = "`GFP_ATOMIC`, `GFP_NOWAIT` and `GFP_NORECLAIM` do not sleep; with others use `new` and the like, which may"
)]
pub trait ForNonblocking<A: UntypedAllocator>: Gfp {}

allocators! {
    /// Flags that kmalloc accepts. Not `__GFP_DMA32` and `__GFP_HIGHMEM` (`GFP_SLAB_BUG_MASK`),
    /// `__GFP_COMP` (kmalloc sets it itself) and `__GFP_MOVABLE` (slab memory cannot be moved).
    #[diagnostic::on_unimplemented(
        message = "kmalloc does not accept `{Self}`",
        label = "flags that kmalloc rejects",
        note = "kmalloc rejects `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `GFP_HIGHUSER` and `GFP_HIGHUSER_MOVABLE`; use \
                pages, or the DMA API for device memory"
    )]
    ForKmalloc as For<Kmalloc>:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [Dma NoRetry RetryMayfail NoFail Reclaimable Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that krealloc accepts: as kmalloc, without `__GFP_ZERO`, `__GFP_DMA` and
    /// `__GFP_NOFAIL`. krealloc zeroes reliably only if every call for the memory had `__GFP_ZERO`,
    /// and may keep old memory of another zone. For `__GFP_NOFAIL` the length would have to be
    /// known to be small.
    #[diagnostic::on_unimplemented(
        message = "krealloc does not accept `{Self}`",
        label = "flags that krealloc rejects",
        note = "krealloc rejects `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `GFP_HIGHUSER` and \
                `GFP_HIGHUSER_MOVABLE`; also `.zeroed()`, since `resize` fills the new elements, `.dma()`, since it \
                may keep the old memory, and `.nofail()`",
        note = "if the grant is `Checked`: it is for `KBox`, `VBox` and `KVBox` only; vectors and `Arc` need a token"
    )]
    ForKrealloc as ForRealloc<Kmalloc>:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [NoRetry RetryMayfail Reclaimable NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that `alloc_pages()` accepts: all. The kind of the memory follows from the flags.
    #[diagnostic::on_unimplemented(
        message = "the page allocator does not accept `{Self}`",
        label = "flags that the page allocator rejects",
        note = "if the grant is `Checked`: it is for `KBox`, `VBox` and `KVBox` only; pages need a token"
    )]
    ForPages of Memory:
        [SLEEPING GfpKernelAccount GfpHighUser GfpHighUserMovable NONBLOCKING]
        + [Dma Dma32 Highmem NoRetry RetryMayfail NoFail Movable Reclaimable Zeroed NoWarn Account ThisNode Comp
           Hardwall NoMemalloc];
    /// Flags that `alloc_pages_exact()` accepts. Not `__GFP_COMP` and `__GFP_HIGHMEM`, which it
    /// clears with a warning, and `__GFP_NOFAIL`, for which the size would have to be known to be
    /// small.
    #[diagnostic::on_unimplemented(
        message = "alloc_pages_exact does not accept `{Self}`",
        label = "flags that alloc_pages_exact rejects",
        note = "it rejects `.comp()`, `.highmem()`, `.nofail()`, `GFP_HIGHUSER` and `GFP_HIGHUSER_MOVABLE`; `Pages` accepts them"
    )]
    ForPagesExact:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [Dma Dma32 NoRetry RetryMayfail Movable Reclaimable Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that `alloc_pages_bulk()` accepts. Not `__GFP_ACCOUNT`, with which it allocates one
    /// page per call, `__GFP_NOFAIL`, which guarantees only one page, and `__GFP_COMP`, since
    /// single pages are not compound.
    #[diagnostic::on_unimplemented(
        message = "alloc_pages_bulk does not accept `{Self}`",
        label = "flags that alloc_pages_bulk rejects",
        note = "it rejects `.account()`, `.nofail()`, `.comp()` and `GFP_KERNEL_ACCOUNT`; `Pages` accepts them, for one block at a time"
    )]
    ForPagesBulk of Memory:
        [SLEEPING GfpHighUser GfpHighUserMovable NONBLOCKING]
        + [Dma Dma32 Highmem NoRetry RetryMayfail Movable Reclaimable Zeroed NoWarn ThisNode Hardwall NoMemalloc];
    /// Flags that vmalloc accepts where it may sleep: those of `GFP_VMALLOC_SUPPORTED`
    /// (mm/vmalloc.c) that reclaim.
    #[diagnostic::on_unimplemented(
        message = "vmalloc does not accept `{Self}`",
        label = "flags that vmalloc rejects, or with which it must not sleep",
        note = "vmalloc may sleep: where that is not allowed there are `new_nonblocking` and the like",
        note = "vmalloc rejects `.dma()`, `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `.reclaimable()`, `.thisnode()` \
                and `.nomemalloc()`"
    )]
    ForVmalloc as For<Vmalloc>:
        [SLEEPING GfpKernelAccount]
        + [NoRetry RetryMayfail NoFail Zeroed NoWarn Account Hardwall];
    /// Flags that vmalloc accepts where it must not sleep: those of `GFP_VMALLOC_SUPPORTED`
    /// (mm/vmalloc.c) that do not reclaim.
    #[diagnostic::on_unimplemented(
        message = "vmalloc does not accept `{Self}` where it must not block",
        label = "flags that may sleep, or that vmalloc rejects",
        note = "`GFP_ATOMIC`, `GFP_NOWAIT` and `GFP_NORECLAIM` do not sleep; with others use `new`, which may"
    )]
    ForVmallocNonblocking as ForNonblocking<Vmalloc>:
        [NONBLOCKING]
        + [Zeroed NoWarn Account Hardwall];
    /// Flags that vrealloc accepts: as vmalloc, without `__GFP_ZERO` and `__GFP_NOFAIL`, for the
    /// reasons of krealloc. vrealloc sleeps whatever the flags, since it frees by `vfree()`.
    #[diagnostic::on_unimplemented(
        message = "vrealloc does not accept `{Self}`",
        label = "flags that vrealloc rejects, or with which it must not sleep",
        note = "vrealloc frees the old memory by `vfree()`, which sleeps: reserve capacity before entering the atomic section",
        note = "as vmalloc, and no `.zeroed()` and `.nofail()`",
        note = "if the grant is `Checked`: it is for `KBox`, `VBox` and `KVBox` only; vectors and `Arc` need a token"
    )]
    ForVrealloc as ForRealloc<Vmalloc>:
        [SLEEPING GfpKernelAccount]
        + [NoRetry RetryMayfail NoWarn Account Hardwall];
    /// Flags that kvmalloc accepts where it may sleep: those that both kmalloc and vmalloc accept,
    /// without `__GFP_NORETRY` (kvmalloc sets it itself).
    #[diagnostic::on_unimplemented(
        message = "kvmalloc does not accept `{Self}`",
        label = "flags that kvmalloc rejects, or with which it must not sleep",
        note = "kvmalloc may sleep: where that is not allowed there are `new_nonblocking` and the like, and `KBox`",
        note = "as vmalloc, and no `.noretry()`"
    )]
    ForKVmalloc as For<KVmalloc>:
        [SLEEPING GfpKernelAccount]
        + [RetryMayfail NoFail Zeroed NoWarn Account Hardwall];
    /// Flags that kvmalloc accepts where it must not sleep: as vmalloc.
    #[diagnostic::on_unimplemented(
        message = "kvmalloc does not accept `{Self}` where it must not block",
        label = "flags that may sleep, or that kvmalloc rejects",
        note = "`GFP_ATOMIC`, `GFP_NOWAIT` and `GFP_NORECLAIM` do not sleep; with others use `new`, which may"
    )]
    ForKVmallocNonblocking as ForNonblocking<KVmalloc>:
        [NONBLOCKING]
        + [Zeroed NoWarn Account Hardwall];
    /// Flags that kvrealloc accepts: as kvmalloc, without `__GFP_ZERO` and `__GFP_NOFAIL`, for the
    /// reasons of krealloc. kvrealloc sleeps whatever the flags, since it frees by `vfree()`.
    #[diagnostic::on_unimplemented(
        message = "kvrealloc does not accept `{Self}`",
        label = "flags that kvrealloc rejects, or with which it must not sleep",
        note = "kvrealloc may free the old memory by `vfree()`, which sleeps: reserve capacity before entering the atomic section",
        note = "as kvmalloc, and no `.zeroed()` and `.nofail()`",
        note = "if the grant is `Checked`: it is for `KBox`, `VBox` and `KVBox` only; vectors and `Arc` need a token"
    )]
    ForKVrealloc as ForRealloc<KVmalloc>:
        [SLEEPING GfpKernelAccount]
        + [RetryMayfail NoWarn Account Hardwall];
    /// Flags that kmalloc_nolock accepts: only `__GFP_ACCOUNT` and `__GFP_ZERO`.
    #[diagnostic::on_unimplemented(
        message = "kmalloc_nolock does not accept `{Self}`",
        label = "flags that kmalloc_nolock rejects",
        note = "kmalloc_nolock accepts only `GFP_NOLOCK`, `GFP_NOLOCK.account()` and `GFP_NOLOCK.zeroed()`"
    )]
    ForNolock:
        [GfpNolock] + [Zeroed Account];
    /// Flags that objpool_init accepts: those that may sleep and that vmalloc, which allocates the
    /// memory, supports (`GFP_VMALLOC_SUPPORTED`).
    #[diagnostic::on_unimplemented(
        message = "objpool_init does not accept `{Self}`",
        label = "flags that objpool_init rejects",
        note = "a pool is made in process context, of vmalloc's memory: with `GFP_KERNEL`, `GFP_KERNEL_ACCOUNT`, `GFP_NOFS` or \
                `GFP_NOIO`, and `.noretry()`, `.retry_mayfail()`, `.nowarn()`, `.account()`"
    )]
    ForObjPool:
        [GfpKernel GfpKernelAccount GfpNoFs GfpNoIo]
        + [NoRetry RetryMayfail NoWarn Account];
    /// Flags that the per-CPU allocator uses: whether it may sleep (the bits of `GFP_NOIO` are
    /// passed to the page allocator), `__GFP_NORETRY`, `__GFP_NOWARN` and `__GFP_ACCOUNT`. It
    /// silently ignores all others. Per-CPU memory is always zeroed.
    #[diagnostic::on_unimplemented(
        message = "the per-CPU allocator silently ignores a part of `{Self}`",
        label = "flags without effect on per-CPU memory",
        note = "the per-CPU allocator uses `.noretry()`, `.nowarn()`, `.account()` and `.zeroed()` on flags of its context; \
                it has no zones, and does not guarantee `.nofail()`"
    )]
    ForPerCpu:
        [GfpKernel GfpKernelAccount GfpNoFs GfpNoIo NONBLOCKING]
        + [NoRetry Zeroed NoWarn Account];
    /// Flags that `devm_kmalloc()` accepts: as kmalloc, without `__GFP_NOFAIL`, since a probe can
    /// fail. The node is that of the device.
    #[diagnostic::on_unimplemented(
        message = "devm_kmalloc does not accept `{Self}`",
        label = "flags that devm_kmalloc rejects",
        note = "as for kmalloc there is no `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `GFP_HIGHUSER` or \
                `GFP_HIGHUSER_MOVABLE`; and no `.nofail()`, since probe can return the error"
    )]
    ForDevm:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [Dma NoRetry RetryMayfail Reclaimable Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that `devm_krealloc()` accepts: as `devm_kmalloc()`, without `__GFP_ZERO` and
    /// `__GFP_DMA`. devm_krealloc may keep the old memory, whose rest is not zeroed and whose zone
    /// does not change.
    #[diagnostic::on_unimplemented(
        message = "devm_krealloc does not accept `{Self}`",
        label = "flags that devm_krealloc rejects",
        note = "it may keep the old memory, so there is no `.zeroed()` (`resize` fills the new elements) and no `.dma()`; \
                otherwise as devm_kmalloc"
    )]
    ForDevmRealloc:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [NoRetry RetryMayfail Reclaimable NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that a slab cache accepts: as kmalloc, without `__GFP_DMA` and `__GFP_RECLAIMABLE`.
    /// Both are properties of the cache, and are silently ignored in a call.
    #[diagnostic::on_unimplemented(
        message = "a slab cache does not accept `{Self}`",
        label = "flags that a slab cache rejects, or would silently drop",
        note = "the zone and `reclaim_account` are properties of the cache (`slab::Args`); as for kmalloc there is no \
                `.dma32()`, `.highmem()`, `.comp()`, `.movable()`, `GFP_HIGHUSER` or `GFP_HIGHUSER_MOVABLE`"
    )]
    ForSlab:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [NoRetry RetryMayfail NoFail Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that a slab cache with a constructor accepts: as a slab cache, without `__GFP_ZERO`,
    /// which would overwrite the constructed object. (The kernel warns.)
    #[diagnostic::on_unimplemented(
        message = "a slab cache with a constructor does not accept `{Self}`",
        label = "flags that a cache with a constructor rejects",
        note = "objects are constructed already, and `.zeroed()` would overwrite them; otherwise as for every slab cache"
    )]
    ForConstructed of ForSlab:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [NoRetry RetryMayfail NoFail NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that a memory pool accepts: flags that also hold for an element of the reserve. The
    /// reserve was allocated earlier, with other flags. So no zeroing, zone, node or accounting.
    #[diagnostic::on_unimplemented(
        message = "a memory pool does not accept `{Self}`",
        label = "flags that a memory pool rejects",
        note = "an element may come from the reserve, which was allocated before: no `.zeroed()`, zone, `.thisnode()`, \
                `.account()`, `GFP_KERNEL_ACCOUNT` or mobility. A pool has its own rule for when memory is short: no \
                `.retry_mayfail()`, and `MempoolBox::new` cannot fail without `.nofail()`"
    )]
    ForMempool:
        [SLEEPING NONBLOCKING]
        + [NoRetry NoWarn Hardwall NoMemalloc];
    /// Flags with which a memory pool waits for an element, so that the allocation always succeeds.
    #[diagnostic::on_unimplemented(
        message = "a memory pool cannot wait with `{Self}`",
        label = "these flags do not wait, or a memory pool rejects them",
        note = "where sleeping is not allowed use `MempoolBox::try_new`, which may fail"
    )]
    WaitsForMempool of ForMempool:
        [SLEEPING]
        + [NoRetry NoWarn Hardwall NoMemalloc];
    /// Flags that `dma_alloc_attrs()` accepts. Not `__GFP_COMP`, with which it warns and fails,
    /// zone modifiers, which it silently clears (the DMA mask determines the memory that the device
    /// reaches), mobility (memory that a device writes to cannot be moved) and `__GFP_NOFAIL`,
    /// since the memory comes from one zone.
    #[diagnostic::on_unimplemented(
        message = "dma_alloc_attrs does not accept `{Self}`",
        label = "flags that dma_alloc_attrs rejects, or would silently drop",
        note = "the DMA mask chooses the zone: no `.dma()`, `.dma32()`, `.highmem()`, `GFP_HIGHUSER` or `GFP_HIGHUSER_MOVABLE`; nor \
                `.comp()`, `.movable()`, `.reclaimable()` or `.nofail()`"
    )]
    ForCoherent:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [NoRetry RetryMayfail Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that `dma_alloc_pages()` accepts: as `dma_alloc_attrs()`. With a zone modifier it
    /// warns and fails.
    #[diagnostic::on_unimplemented(
        message = "dma_alloc_pages does not accept `{Self}`",
        label = "flags that dma_alloc_pages rejects",
        note = "the DMA mask chooses the zone: no `.dma()`, `.dma32()`, `.highmem()`, `GFP_HIGHUSER` or `GFP_HIGHUSER_MOVABLE`; nor \
                `.comp()`, `.movable()`, `.reclaimable()` or `.nofail()`"
    )]
    ForNoncoherent:
        [SLEEPING GfpKernelAccount NONBLOCKING]
        + [NoRetry RetryMayfail Zeroed NoWarn Account ThisNode Hardwall NoMemalloc];
    /// Flags that `dma_pool_alloc()` accepts: those that both kmalloc and `dma_alloc_attrs()`
    /// accept, since an empty pool is refilled by both, without `__GFP_ACCOUNT`, since the page is
    /// shared with other callers.
    #[diagnostic::on_unimplemented(
        message = "dma_pool_alloc does not accept `{Self}`",
        label = "flags that dma_pool_alloc rejects",
        note = "as dma_alloc_attrs, and no `.account()` or `GFP_KERNEL_ACCOUNT`: the page is not the caller's alone"
    )]
    ForDmaPool:
        [SLEEPING NONBLOCKING]
        + [NoRetry RetryMayfail Zeroed NoWarn ThisNode Hardwall NoMemalloc];
}

/// A trait of the flags that implement several others.
macro_rules! all_of {
    ($($(#[$attr:meta])* $name:ident: $($bound:path),* $(,)?;)*) => {$(
        $(#[$attr])*
        pub trait $name: $($bound +)* {}
        impl<F: $($bound +)*> $name for F {}
    )*};
}

all_of! {
    /// Default flags of a context: every allocator of the context accepts them, and every modifier
    /// applies to them.
    DefaultFlags: NoZoneModifier, NoRetryModifier, NoMobility, AnyNode, MayFail, ForKmalloc, ForKrealloc, ForPages<Kind = Low>,
        ForPagesExact, ForPagesBulk, ForPerCpu, ForDevm, ForDevmRealloc, ForSlab, ForConstructed,
        ForMempool, ForCoherent, ForNoncoherent, ForDmaPool;
    /// Default flags of a context that may sleep: the allocators that sleep accept them too.
    SleepingFlags: DefaultFlags, DirectReclaim, ForVmalloc, ForVrealloc, ForKVmalloc, ForKVrealloc, ForObjPool,
        WaitsForMempool;
}
