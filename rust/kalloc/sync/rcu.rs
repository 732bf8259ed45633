// SPDX-License-Identifier: GPL-2.0

//! The RCU read side.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use super::Section;
use crate::context::Context;
use kernel::sync::rcu;

/// The RCU read side, made by [`RcuRead::rcu_read_lock`].
pub type RcuSection<'c, K> = Section<'c, rcu::Guard, K>;

impl<K> RcuSection<'_, K> {
    /// The evidence that the RCU read side is held, for the kernel crate's functions, and the
    /// token.
    #[inline(always)]
    pub fn split(&mut self) -> (&rcu::Guard, &mut K) {
        (&self.guard, &mut self.cx)
    }
}

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
        let mut section = self.rcu_read_lock();
        let (guard, cx) = section.split();
        f(guard, cx)
    }

    /// Takes the RCU read side until the section is dropped, wraps `rcu_read_lock()`.
    ///
    /// Leaking the section leaves the read side held with the token around it usable again;
    /// [`RcuRead::rcu_read`] cannot.
    #[inline(always)]
    fn rcu_read_lock(&mut self) -> RcuSection<'_, Self::Atomic<'_>> {
        // SAFETY: On the RCU read side the code must not sleep, and may do all else that it might
        // before. `self` is borrowed for as long.
        unsafe { Section::new(rcu::read_lock()) }
    }
}
impl<C: Context> RcuRead for C {}
