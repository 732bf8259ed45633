// SPDX-License-Identifier: GPL-2.0

//! [`RcuReadExt`]: RCU read-side critical sections.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use crate::{
    contexts::traits::Context,
    sections::{
        enter,
        guards::ReadSide,
        section::within, //
    },
};

/// The RCU read side, in every context.
pub trait RcuReadExt: Context {
    /// Runs `f` on the RCU read side; wraps `rcu_read_lock()` and `rcu_read_unlock()`.
    ///
    /// `f` gets the section's token, with which it cannot sleep, and a [`ReadSide`]: the proof that
    /// `load`, `read` and `get` of RCU-protected types take.
    #[doc(alias = "rcu_read_lock")]
    #[inline(always)]
    fn rcu_read<R>(&mut self, f: impl for<'x> FnOnce(&ReadSide, &mut Self::AtomicCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::rcu_read_lock(), |side, cx| f(side, cx))
    }
}
impl<C: Context> RcuReadExt for C {}
