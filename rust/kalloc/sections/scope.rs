// SPDX-License-Identifier: GPL-2.0

//! Scopes that hold back file-system or any I/O, or all of reclaim: [`NoFsCx`](crate::context::NoFsCx),
//! [`NoIoCx`](crate::context::NoIoCx) and [`NoReclaimCx`].
//!
//! C header: [`include/linux/sched/mm.h`](srctree/include/linux/sched/mm.h)
//!
//! In a scope the kernel itself takes `__GFP_FS`, and `__GFP_IO` too, out of every allocation of
//! the thread, also those of code that knows nothing of it. The token says the same to the
//! compiler. In a `memalloc_noreclaim_save()` scope no allocation of the thread reclaims, and each may
//! take the last page of the reserves.
//!
//! A function that must be called inside a scope asks for [`InNoFs`], [`InNoIo`] or [`InNoReclaim`].
//!
//! [`InNoFs`]: crate::context::InNoFs
//! [`InNoIo`]: crate::context::InNoIo
//! [`InNoReclaim`]: crate::context::InNoReclaim
//!
//! Each has a closure form, which is the one to use, and a guard form, the macro
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
    /// Runs `f` in a NOFS scope, wraps `memalloc_nofs_save()` and `memalloc_nofs_restore()`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn page_cache_entry(task: &mut TaskCx) -> Result<KBox<u64>> {
    ///     // GFP_NOFS
    ///     task.nofs(|cx| Ok(KBox::new(&cx, 0)?))
    /// }
    /// ```
    #[inline(always)]
    fn nofs<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::NoFsCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::memalloc_nofs_save(), |_scope, cx| f(cx))
    }

    /// Runs `f` in a NOIO scope, wraps `memalloc_noio_save()` and `memalloc_noio_restore()`.
    #[inline(always)]
    fn noio<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::NoIoCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::memalloc_noio_save(), |_scope, cx| f(cx))
    }

    /// Runs `f` in a scope without reclaim, wraps `memalloc_noreclaim_save()` and
    /// `memalloc_noreclaim_restore()`.
    ///
    /// For code that frees memory and needs a little of it for that, and reclaim waits for. It may
    /// take all of the reserves, so whoever uses it limits how much: a
    /// [memory pool](crate::mempool) is nearly always better. `.nomemalloc()` leaves the reserves
    /// alone.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn write_back(task: &mut TaskCx, page: &[u8; 64]) -> Result<KBox<[u8; 64]>> {
    ///     task.noreclaim(|cx| Ok(KBox::new(&cx, *page)?))
    /// }
    /// ```
    #[inline(always)]
    fn noreclaim<R>(&mut self, f: impl for<'x> FnOnce(&mut NoReclaimCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::memalloc_noreclaim_save(), |_scope, cx| f(cx))
    }
}
impl<C: MaySleep> ScopeExt for C {}
