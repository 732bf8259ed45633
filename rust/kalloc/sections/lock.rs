// SPDX-License-Identifier: GPL-2.0

//! Extension traits that take spinlocks: the closure forms.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::{
    contexts::traits::{
        MayAlloc,
        NotNmi, //
    },
    sections::{
        enter,
        raw_spinlock::{
            RawSpinLock,
            RawSpinLockIrq, //
        },
        rwlock::RwLock,
        section::within, //
    },
    series::SpinLockIrq, //
};
use core::pin::Pin;
use kernel::sync::SpinLock;

/// Taking spinlocks, in every context that permits it.
pub trait LockExt: MayAlloc {
    /// Runs `f` with `lock` held; wraps `spin_lock()` and `spin_unlock()`.
    ///
    /// The token of `f` is [`AtomicCx`](crate::context::AtomicCx) or stricter, so `f` cannot sleep.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::SpinLock;
    ///
    /// fn push(task: &mut TaskCx, list: &SpinLock<Option<KBox<u32>>>) -> Result {
    ///     task.locked(list, |head, cx| -> Result {
    ///         *head = Some(KBox::new(&cx, 1)?);
    ///         Ok(())
    ///     })
    /// }
    /// ```
    #[doc(alias = "spin_lock")]
    #[inline(always)]
    fn locked<T, R>(
        &mut self,
        lock: &SpinLock<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized + Unpin,
    {
        within(self, enter::lock(lock), |data, cx| f(data, cx))
    }

    /// As [`LockExt::locked`], for pinned data.
    #[inline(always)]
    fn locked_pin<T, R>(
        &mut self,
        lock: &SpinLock<T>,
        f: impl for<'x> FnOnce(Pin<&mut T>, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized,
    {
        within(self, enter::lock(lock), |data, cx| f(data.as_mut(), cx))
    }

    /// Runs `f` with `lock` held and interrupts disabled; wraps `spin_lock_irqsave()` and
    /// `spin_unlock_irqrestore()`. (The kernel crate calls `spin_lock_irq_disable()`, which counts
    /// nested calls.)
    ///
    /// For data shared with a hard interrupt handler. On `CONFIG_PREEMPT_RT`, where the handler is
    /// a thread, interrupts stay enabled.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::SpinLockIrq;
    ///
    /// fn take(task: &mut TaskCx, last: &SpinLockIrq<Option<KBox<u32>>>) -> Option<KBox<u32>> {
    ///     task.locked_irq(last, |last, _cx| last.take())
    /// }
    /// ```
    #[doc(alias("spin_lock_irqsave", "spin_lock_irq"))]
    #[inline(always)]
    fn locked_irq<T, R>(
        &mut self,
        lock: &SpinLockIrq<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::LockedIrq<'x>) -> R,
    ) -> R
    where
        T: ?Sized + Unpin,
    {
        within(self, enter::lock_irq(lock), |data, cx| f(data, cx))
    }

    /// Runs `f` with `lock` held for reading; wraps `read_lock()` and `read_unlock()`.
    ///
    /// ```
    /// use kalloc::{prelude::*, sync::RwLock};
    ///
    /// fn limit(task: &mut TaskCx, limits: &RwLock<[u32; 4]>, of: usize) -> Option<u32> {
    ///     task.read_locked(limits, |limits, _cx| limits.get(of).copied())
    /// }
    /// ```
    #[doc(alias = "read_lock")]
    #[inline(always)]
    fn read_locked<T, R>(
        &mut self,
        lock: &RwLock<T>,
        f: impl for<'x> FnOnce(&T, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized,
    {
        within(self, enter::read_lock(lock), |data, cx| f(data, cx))
    }

    /// Runs `f` with `lock` held for writing, wraps `write_lock()` and `write_unlock()`.
    #[doc(alias = "write_lock")]
    #[inline(always)]
    fn write_locked<T, R>(
        &mut self,
        lock: &RwLock<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::Locked<'x>) -> R,
    ) -> R
    where
        T: ?Sized,
    {
        within(self, enter::write_lock(lock), |data, cx| f(data, cx))
    }
}
impl<C: MayAlloc> LockExt for C {}

/// Taking raw spinlocks, in every context but NMI.
pub trait RawLockExt: NotNmi {
    /// Runs `f` with `lock` held; wraps `raw_spin_lock()` and `raw_spin_unlock()`.
    ///
    /// ```
    /// use kalloc::{prelude::*, sync::RawSpinLock};
    ///
    /// fn count(task: &mut TaskCx, n: &RawSpinLock<u32>) {
    ///     task.raw_locked(n, |n, _cx| *n += 1)
    /// }
    /// ```
    #[doc(alias = "raw_spin_lock")]
    #[inline(always)]
    fn raw_locked<T, R>(
        &mut self,
        lock: &RawSpinLock<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::RawCx<'x>) -> R,
    ) -> R
    where
        T: ?Sized + Unpin,
    {
        within(self, enter::raw_lock(lock), |data, cx| f(data, cx))
    }

    /// Runs `f` with `lock` held and interrupts disabled; wraps `raw_spin_lock_irqsave()` and
    /// `raw_spin_unlock_irqrestore()`.
    #[doc(alias = "raw_spin_lock_irqsave")]
    #[inline(always)]
    fn raw_locked_irq<T, R>(
        &mut self,
        lock: &RawSpinLockIrq<T>,
        f: impl for<'x> FnOnce(&mut T, &mut Self::RawCx<'x>) -> R,
    ) -> R
    where
        T: ?Sized + Unpin,
    {
        within(self, enter::raw_lock_irq(lock), |data, cx| f(data, cx))
    }
}
impl<C: NotNmi> RawLockExt for C {}
