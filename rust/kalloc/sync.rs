// SPDX-License-Identifier: GPL-2.0

//! Spinlocks and the RCU read side: sections that must not sleep.
//!
//! C headers: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h),
//! [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)
//!
//! The lock is the kernel crate's [`SpinLock`], as it is. Each section has a closure form, which is
//! the one to use, and a guard form for code that a closure does not fit. A guard that is leaked
//! (`mem::forget`) ends the borrow of the token before it while the lock is still held: the closure
//! form has no such hole.
//!
//! On `CONFIG_PREEMPT_RT` a `spinlock_t` sleeps, so a context with interrupts or preemption
//! disabled cannot take one there.

use crate::context::{private::Token, Allocate, Context};
use core::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    pin::Pin,
};
use kernel::sync::{lock::spinlock::SpinLockGuard, rcu, SpinLock};

/// A section of code that ends when this is dropped: a guard of the kernel, and the token of the
/// section.
///
/// It borrows the token of the context around it exclusively.
#[must_use = "the section ends when this is dropped"]
pub struct Section<'c, S, K> {
    // Dropped first: the token is of no use outside the section.
    guard: S,
    cx: K,
    _around: PhantomData<&'c mut ()>,
}

impl<'c, S, K: Token> Section<'c, S, K> {
    /// # Safety
    ///
    /// While `guard` lives the code is in a context that permits what `K` does. The token of the
    /// context around it is borrowed exclusively for `'c`.
    #[inline(always)]
    pub(crate) unsafe fn new(guard: S) -> Self {
        Self {
            guard,
            // SAFETY: By the contract of this function, since the token is dropped with the guard.
            cx: unsafe { K::token() },
            _around: PhantomData,
        }
    }

    /// The token of the section.
    #[inline(always)]
    pub fn cx(&mut self) -> &mut K {
        &mut self.cx
    }

    /// The kernel's guard and the token of the section.
    #[inline(always)]
    pub(crate) fn parts(&mut self) -> (&mut S, &mut K) {
        (&mut self.guard, &mut self.cx)
    }
}

impl<S, K> Drop for Section<'_, S, K> {
    // Without it the borrow of the token around would end at the last use of the section, before the
    // kernel's guard is dropped.
    #[inline(always)]
    fn drop(&mut self) {}
}

impl<S, K: fmt::Debug> fmt::Debug for Section<'_, S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Section").field(&self.cx).finish()
    }
}

/// A held [`SpinLock`], made by [`Lock::lock`]. Gives the data, and the token through
/// [`Section::cx`].
pub type Locked<'c, 'l, T, K> = Section<'c, SpinLockGuard<'l, T>, K>;

impl<'l, T: ?Sized + Unpin, K> Locked<'_, 'l, T, K> {
    /// The data and the token, both at once.
    #[inline(always)]
    pub fn split(&mut self) -> (&mut T, &mut K) {
        (&mut self.guard, &mut self.cx)
    }
}

impl<'l, T: ?Sized, K> Deref for Locked<'_, 'l, T, K> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<'l, T: ?Sized + Unpin, K> DerefMut for Locked<'_, 'l, T, K> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

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

/// Taking spinlocks, in every context that may.
pub trait Lock: Allocate {
    /// Runs `f` with `lock` held, wraps `spin_lock()` and `spin_unlock()`.
    ///
    /// `f` must not sleep, and cannot: its token is [`Atomic`](crate::context::Atomic) or stricter.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::SpinLock;
    ///
    /// fn push(task: &mut Task, list: &SpinLock<Option<KBox<u32>>>) -> Result {
    ///     task.locked(list, |head, cx| -> Result {
    ///         *head = Some(KBox::new(&cx, 1)?);
    ///         Ok(())
    ///     })
    /// }
    /// ```
    #[inline(always)]
    fn locked<T, R>(
        &mut self,
        lock: &SpinLock<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized + Unpin,
    {
        let mut section = self.lock(lock);
        let (data, cx) = section.split();
        f(data, cx)
    }

    /// As [`Lock::locked`], for data that must not be moved.
    #[inline(always)]
    fn locked_pin<T, R>(
        &mut self,
        lock: &SpinLock<T>,
        f: impl for<'x> FnOnce(Pin<&mut T>, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized,
    {
        let mut section = self.lock(lock);
        let (guard, cx) = section.parts();
        f(guard.as_mut(), cx)
    }

    /// Takes `lock` until the section is dropped, wraps `spin_lock()`.
    ///
    /// Leaking the section leaves the lock held with the token around it usable again;
    /// [`Lock::locked`] cannot.
    #[inline(always)]
    fn lock<'c, 'l, T: ?Sized>(
        &'c mut self,
        lock: &'l SpinLock<T>,
    ) -> Locked<'c, 'l, T, Self::Locked<'c>> {
        // SAFETY: With a spinlock held the code must not sleep, and the context was one in which
        // the allocators work: that is what `Self::Locked` permits. `self` is borrowed for `'c`.
        unsafe { Section::new(lock.lock()) }
    }
}
impl<C: Allocate> Lock for C {}

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
