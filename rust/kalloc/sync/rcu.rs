// SPDX-License-Identifier: GPL-2.0

//! The RCU read side.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use super::{enter, within};
use crate::context::Context;
use core::{fmt, ops::Deref};
use kernel::sync::rcu;

/// Evidence that the code is on the RCU read side, for as long as it is borrowed.
///
/// A driver has a reference, from [`RcuRead::rcu_read`] or from `section!(…, rcu_read_lock())`, and
/// never the value: it cannot leak it. The guard of the kernel crate is no such evidence. Leaked, it
/// is `&'static`, and the read side ends with the thread, or where the thread sleeps.
///
/// Functions of the kernel crate take that guard, to which this dereferences:
///
/// ```
/// use kalloc::prelude::*;
/// use kernel::revocable::Revocable;
///
/// fn limit(task: &mut Task, limit: &Revocable<u32>) -> Option<u32> {
///     task.rcu_read(|side, _cx| limit.try_access_with_guard(side).copied())
/// }
/// ```
///
/// # Invariants
///
/// The thread is on the RCU read side until the value is dropped, on this thread. Until then no token
/// that permits sleep is used.
pub struct ReadSide(rcu::Guard);

impl ReadSide {
    /// Wraps `rcu_read_lock()`.
    ///
    /// # Safety
    ///
    /// The value is dropped, on this thread, and until then no token that permits sleep is used.
    #[inline(always)]
    pub(super) unsafe fn new() -> Self {
        // INVARIANT: Just entered. The rest is the contract of this function.
        Self(rcu::read_lock())
    }
}

impl Deref for ReadSide {
    type Target = rcu::Guard;
    #[inline(always)]
    fn deref(&self) -> &rcu::Guard {
        &self.0
    }
}

impl fmt::Debug for ReadSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadSide")
    }
}

/// The RCU read side, in every context.
pub trait RcuRead: Context {
    /// Runs `f` on the RCU read side, wraps `rcu_read_lock()` and `rcu_read_unlock()`.
    ///
    /// `f` must not sleep, and cannot. It gets the evidence, which `load`, `read` and `get` of what
    /// is under RCU take, and the token of the section.
    #[inline(always)]
    fn rcu_read<R>(&mut self, f: impl for<'x> FnOnce(&ReadSide, &mut Self::Atomic<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::rcu_read_lock(), |side, cx| f(side, cx))
    }
}
impl<C: Context> RcuRead for C {}
