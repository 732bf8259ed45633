// SPDX-License-Identifier: GPL-2.0

//! Scopes that exclude file-system I/O, all I/O, or reclaim from allocations:
//! [`NoFsCx`](crate::context::NoFsCx), [`NoIoCx`](crate::context::NoIoCx) and [`NoReclaimCx`].
//!
//! C header: [`include/linux/sched/mm.h`](srctree/include/linux/sched/mm.h)
//!
//! In a NOFS scope the kernel clears `__GFP_FS` in every allocation of the thread, and in a NOIO
//! scope `__GFP_IO` too, also in code that is not aware of the scope. The token tells the compiler
//! the same. In a `memalloc_noreclaim_save()` scope no allocation of the thread reclaims, and each
//! may use all of the reserves.
//!
//! A function that must be called inside a scope has the bound [`InNoFs`], [`InNoIo`] or
//! [`InNoReclaim`].
//!
//! [`InNoFs`]: crate::context::InNoFs
//! [`InNoIo`]: crate::context::InNoIo
//! [`InNoReclaim`]: crate::context::InNoReclaim
//!
//! Each scope has a closure form, which is preferred, and a guard form, the macro
//! [`section!`](crate::section!).

use crate::{
    contexts::{
        tokens::NoReclaimCx,
        traits::MaySleep, //
    },
    sections::{
        enter,
        section::within, //
    },
};

/// Entering scopes, in every context that may sleep.
pub trait ScopeExt: MaySleep {
    /// Runs `f` in a NOFS scope; wraps `memalloc_nofs_save()` and `memalloc_nofs_restore()`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn page_cache_entry(task: &mut TaskCx) -> Result<KBox<u64>> {
    ///     // GFP_NOFS
    ///     task.nofs(|cx| Ok(KBox::new(&cx, 0)?))
    /// }
    /// ```
    #[doc(alias = "memalloc_nofs_save")]
    #[inline(always)]
    fn nofs<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::NoFsCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::memalloc_nofs_save(), |_scope, cx| f(cx))
    }

    /// Runs `f` in a NOIO scope; wraps `memalloc_noio_save()` and `memalloc_noio_restore()`.
    #[doc(alias = "memalloc_noio_save")]
    #[inline(always)]
    fn noio<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::NoIoCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::memalloc_noio_save(), |_scope, cx| f(cx))
    }

    /// Runs `f` in a scope without reclaim; wraps `memalloc_noreclaim_save()` and
    /// `memalloc_noreclaim_restore()`.
    ///
    /// For code that reclaim waits for, and that must allocate a little memory to free more. The
    /// scope gives access to all of the reserves, so the caller must limit how much it allocates. A
    /// [memory pool](crate::mempool) is nearly always better. With `.nomemalloc()` an allocation
    /// does not use the reserves.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn write_back(task: &mut TaskCx, page: &[u8; 64]) -> Result<KBox<[u8; 64]>> {
    ///     task.noreclaim(|cx| Ok(KBox::new(&cx, *page)?))
    /// }
    /// ```
    #[doc(alias = "memalloc_noreclaim_save")]
    #[inline(always)]
    fn noreclaim<R>(&mut self, f: impl for<'x> FnOnce(&mut NoReclaimCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::memalloc_noreclaim_save(), |_scope, cx| f(cx))
    }
}
impl<C: MaySleep> ScopeExt for C {}
