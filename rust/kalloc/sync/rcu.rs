// SPDX-License-Identifier: GPL-2.0

//! The RCU read side.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use super::{enter, within};
use crate::context::Context;
use kernel::sync::rcu;

/// The RCU read side, in every context.
pub trait RcuRead: Context {
    /// Runs `f` on the RCU read side, wraps `rcu_read_lock()` and `rcu_read_unlock()`.
    ///
    /// `f` must not sleep, and cannot. It gets the kernel crate's guard as evidence.
    #[inline(always)]
    fn rcu_read<R>(&mut self, f: impl for<'x> FnOnce(&rcu::Guard, &mut Self::Atomic<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::rcu_read_lock(), |guard, cx| f(guard, cx))
    }
}
impl<C: Context> RcuRead for C {}
