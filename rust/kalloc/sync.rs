// SPDX-License-Identifier: GPL-2.0

//! Locks, the RCU read side, and sleeping waits, with the token of the code inside.
//!
//! | kalloc | C | token inside |
//! | --- | --- | --- |
//! | [`Lock::locked`] of a [`SpinLock`] | `spin_lock()` | [`Atomic`] |
//! | [`Lock::locked_irq`] of a [`SpinLockIrq`] | `spin_lock_irqsave()` | [`Irq`] |
//! | [`Lock::read_locked`], [`Lock::write_locked`] of a [`RwLock`] | `read_lock()`, `write_lock()` | [`Atomic`] |
//! | [`LockRaw::raw_locked`] of a [`RawSpinLock`] | `raw_spin_lock()` | [`Raw`] |
//! | [`LockRaw::raw_locked_irq`] of a [`RawSpinLockIrq`] | `raw_spin_lock_irqsave()` | [`Raw`] |
//! | [`RcuRead::rcu_read`] | `rcu_read_lock()` | [`Atomic`] |
//! | [`Wait::mutex_locked`] of a [`Mutex`] | `mutex_lock()` | the one before |
//!
//! Where the context before is stricter than that, the token inside is its own. [`SpinLock`],
//! [`SpinLockIrq`] and [`Mutex`] are the kernel crate's, as they are; the others are kalloc's.
//!
//! Each section has a closure form, which is the one to use, and a guard form for code that a
//! closure does not fit. A guard that is leaked (`mem::forget`) ends the borrow of the token before
//! it while the lock is still held: the closure form has no such hole.
//!
//! # Interrupts
//!
//! Data that an interrupt shares with the code it interrupts needs a lock that keeps the interrupt
//! off: a [`SpinLockIrq`] or [`RawSpinLockIrq`] against hard interrupts, a [`SpinLock`] within
//! [`DisableBh::bh_off`](crate::irq::DisableBh::bh_off) against softirqs. Nothing in a type says
//! which interrupts take a [`SpinLock`], so taking one without is a deadlock that compiles, as every
//! lock taken in a wrong order is; lockdep finds both.
//!
//! # `CONFIG_PREEMPT_RT`
//!
//! A `spinlock_t` and an `rwlock_t` sleep there, whether with interrupts off or without: they leave
//! interrupts on. So a context with interrupts or preemption disabled cannot take one. A
//! `raw_spinlock_t` is a spinlock on every kernel, and nothing is allocated under one on
//! `CONFIG_PREEMPT_RT`.
//!
//! [`Atomic`]: crate::context::Atomic
//! [`Irq`]: crate::context::Irq
//! [`Raw`]: crate::context::Raw
//! [`SpinLock`]: kernel::sync::SpinLock
//! [`SpinLockIrq`]: kernel::sync::SpinLockIrq
//! [`Mutex`]: kernel::sync::Mutex

use crate::context::private::Token;
use core::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    pin::Pin,
};
use kernel::sync::lock::{Backend, Guard};

mod raw;
mod rcu;
mod rwlock;
mod spinlock;
mod wait;

pub use raw::{
    new_raw_spinlock, new_raw_spinlock_irq, LockRaw, RawSpinLock, RawSpinLockBackend,
    RawSpinLockIrq, RawSpinLockIrqBackend,
};
pub use rcu::{RcuRead, RcuSection};
pub use rwlock::{new_rwlock, ReadGuard, RwLock, WriteGuard};
pub use spinlock::{DirectSpinLockBackend, Lock};
pub use wait::Wait;

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

/// A held lock, made by [`Lock::lock`] and its like. Gives the data, and the token through
/// [`Section::cx`].
pub type Locked<'c, 'l, T, K, B = DirectSpinLockBackend> = Section<'c, Guard<'l, T, B>, K>;

impl<T: ?Sized + Unpin, K, B: Backend> Locked<'_, '_, T, K, B> {
    /// The data and the token, both at once.
    #[inline(always)]
    pub fn split(&mut self) -> (&mut T, &mut K) {
        (&mut self.guard, &mut self.cx)
    }
}

impl<T: ?Sized, K, B: Backend> Locked<'_, '_, T, K, B> {
    /// As [`Locked::split`], for data that must not be moved.
    #[inline(always)]
    pub fn split_pin(&mut self) -> (Pin<&mut T>, &mut K) {
        (self.guard.as_mut(), &mut self.cx)
    }
}

impl<T: ?Sized, K, B: Backend> Deref for Locked<'_, '_, T, K, B> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized + Unpin, K, B: Backend> DerefMut for Locked<'_, '_, T, K, B> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
