// SPDX-License-Identifier: GPL-2.0

//! [`AllowedIn`]: the flags that each context permits. [`Grant`]: the flags that the caller's
//! context permits, the first argument of every allocating function.
//!
//! An allocation compiles if three questions are answered yes. May these modifiers be combined
//! (`flags/properties.rs`)? Does the context permit the flags ([`AllowedIn`], here)? Does the
//! allocator accept them (`For…`, `flags/allocators.rs`)? A token stands for the context; a grant
//! for the context and the flags.

use crate::{
    contexts::{
        tokens::*,
        traits::*, //
    },
    flags::{
        bases::*,
        gfp::Gfp,
        modifiers::*, //
    },
    ground::{
        node::Node,
        sealed::Sealed, //
    },
};
use core::{
    fmt,
    marker::PhantomData, //
};
use kernel::{
    bindings::{
        gfp_t,
        NUMA_NO_NODE, //
    },
    str::CStrExt as _, //
};

/// Flags that may be used in the context `C`.
#[diagnostic::on_unimplemented(
    message = "the flags `{Self}` are not allowed in `{C}`",
    label = "these flags are not allowed here",
    note = "see the table in kalloc::gfp for the flags of each context"
)]
// The bound on `C` keeps a driver from implementing this trait for kalloc's flags and a type of its
// own.
pub trait AllowedIn<C: Context>: Gfp {}

/// The contexts that permit each base.
macro_rules! contexts_of {
    ($($context:ident: $($base:ident)*;)*) => {$($(
        impl<C: $context> AllowedIn<C> for $base {}
    )*)*};
}

contexts_of! {
    MayFs: GfpKernel GfpKernelAccount GfpUser GfpHighUser GfpHighUserMovable;
    MayIo: GfpNoFs;
    MaySleep: GfpNoIo;
    MayAlloc: GfpAtomic GfpNowait GfpNoReclaim;
    Context: GfpNolock;
}

macro_rules! modifiers {
    ($($name:ident)*) => {$(
        impl<C: Context, F: AllowedIn<C>> AllowedIn<C> for $name<F> {}
    )*};
}

modifiers! {
    Dma Dma32 Highmem NoRetry RetryMayfail Movable Reclaimable Zeroed NoWarn Account ThisNode Comp Hardwall
    NoMemalloc
}

impl<C: MayReclaim, F: AllowedIn<C>> AllowedIn<C> for NoFail<F> {}

/// Each context permits its own default flags.
const _: () = {
    const fn default_is_allowed<C: MayAlloc>()
    where
        C::Flags: AllowedIn<C>,
    {
    }
    default_is_allowed::<TaskCx>();
    default_is_allowed::<NoFsCx<'_>>();
    default_is_allowed::<NoIoCx<'_>>();
    default_is_allowed::<NoReclaimCx<'_>>();
    default_is_allowed::<AtomicCx<'_>>();
    default_is_allowed::<BhCx<'_>>();
    default_is_allowed::<IrqCx<'_>>();
    #[cfg(not(CONFIG_PREEMPT_RT))]
    default_is_allowed::<RawCx<'_>>();
};

/// Grants of flags other than the default flags of a context.
pub trait WithFlags: Context {
    /// A grant of `flags`, for calls that do not use the default flags of the context.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn buffer(task: &TaskCx) -> Result<KBox<[u8; 256]>> {
    ///     Ok(KBox::zeroed(task.with(GFP_KERNEL.account()))?)
    /// }
    /// ```
    #[inline(always)]
    fn with<F: AllowedIn<Self>>(&self, _flags: F) -> With<'_, F, Self>
    where
        Self: Sized,
    {
        With::new()
    }
}
impl<C: Context> WithFlags for C {}

/// Flags that the context of the caller permits: the first argument of every allocating function.
///
/// `&task` or `&cx`, a reference to a token, grants the default flags of its context.
/// [`WithFlags::with`] grants others. A grant is `Copy` and borrows its token, so it does not
/// outlive the context. Generic code has a type parameter for it:
///
/// ```
/// use kalloc::{gfp::AllocFailed, prelude::*};
///
/// fn pair<G: Grant<Flags: ForKmalloc>>(grant: G) -> Result<(KBox<u8>, KBox<u8>), AllocFailed<G::Flags>> {
///     Ok((KBox::new(grant, 1)?, KBox::new(grant, 2)?))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not permit an allocation",
    label = "a grant is expected here: `&task`, `&cx`, or `task.with(GFP_KERNEL)`",
    note = "a grant is a reference to the token of a context in which the allocators work; where `task` \
            is a reference already (`task: &TaskCx`), it is `task` itself"
)]
pub trait Grant: Sealed + Copy {
    /// The flags.
    type Flags: Gfp;
    /// The context that permits the flags.
    type Context: Context;

    /// Whether the grant names a node.
    #[doc(hidden)]
    const ON_NODE: bool = false;

    /// The node that the grant names, or `NUMA_NO_NODE`.
    #[doc(hidden)]
    #[inline(always)]
    fn nid(self) -> i32 {
        NUMA_NO_NODE
    }

    /// A grant of the same flags that prefers memory of `node`. With [`Modify::thisnode`] it takes
    /// memory of no other node.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn near(task: &TaskCx, node: Node) -> Result<KBox<[u8; 64]>> {
    ///     Ok(KBox::zeroed(task.with(GFP_KERNEL).on(node))?)
    /// }
    /// ```
    #[doc(alias("kmalloc_node", "kzalloc_node", "kmalloc_array_node"))]
    #[doc(alias("kcalloc_node", "vmalloc_node", "vzalloc_node", "kvmalloc_node"))]
    #[doc(alias("kvzalloc_node", "kvcalloc_node", "kmem_cache_alloc_node"))]
    #[doc(alias("alloc_pages_node", "alloc_pages_exact_nid"))]
    #[doc(alias = "alloc_pages_bulk_node")]
    #[inline(always)]
    fn on(self, node: Node) -> OnNode<Self> {
        OnNode(self, node)
    }

    /// The names of the flags, for the log; wraps `%pGg`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn name(task: &TaskCx) {
    ///     pr_info!("{}\n", task.flags()); // GFP_KERNEL
    /// }
    /// ```
    #[inline]
    fn flags(self) -> Names {
        Names(Self::Flags::BITS)
    }

    /// The same grant with `__GFP_ZERO`, for constructors that promise zeroed memory.
    #[doc(hidden)]
    #[inline(always)]
    fn zeroed(self) -> WithZero<Self> {
        WithZero(self)
    }
}

impl<C: Context> Sealed for &C {}
impl<C: MayAlloc> Grant for &C {
    type Flags = C::Flags;
    type Context = C;
}

/// A grant of the flags `F` in the context `C`, made by [`WithFlags::with`].
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
// `WithFlags::with` has checked that the context permits the flags. A second bound here would
// report each misuse twice.
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

/// The grant `G` with `__GFP_ZERO`, which every context permits.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct WithZero<G>(G);

impl<G: Grant> Sealed for WithZero<G> {}
impl<G: Grant> Grant for WithZero<G> {
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
