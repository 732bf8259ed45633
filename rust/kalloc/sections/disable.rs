// SPDX-License-Identifier: GPL-2.0

//! Sections with bottom halves, interrupts or preemption disabled.
//!
//! C headers: [`include/linux/bottom_half.h`](srctree/include/linux/bottom_half.h),
//! [`include/linux/irqflags.h`](srctree/include/linux/irqflags.h),
//! [`include/linux/preempt.h`](srctree/include/linux/preempt.h)

use crate::{
    contexts::traits::{
        Context,
        IrqsOn, //
    },
    sections::{
        enter,
        section::within, //
    },
};

/// Disabling bottom halves, in every context with interrupts on.
pub trait DisableBhExt: IrqsOn {
    /// Runs `f` with bottom halves disabled on this CPU; wraps `local_bh_disable()` and
    /// `local_bh_enable()`.
    ///
    /// Together with a lock taken in `f` it is `spin_lock_bh()`:
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::SpinLock;
    ///
    /// /// What a timer counts too.
    /// fn count(task: &mut TaskCx, events: &SpinLock<u64>) {
    ///     task.bh_off(|cx| cx.locked(events, |events, _cx| *events += 1))
    /// }
    /// ```
    #[doc(alias = "local_bh_disable")]
    #[inline(always)]
    fn bh_off<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::BhOff<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::local_bh_disable(), |_off, cx| f(cx))
    }
}
impl<C: IrqsOn> DisableBhExt for C {}

/// Disabling interrupts and preemption, in every context.
pub trait DisableExt: Context {
    /// Runs `f` with interrupts disabled on this CPU; wraps `local_irq_save()` and
    /// `local_irq_restore()`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn quiet(task: &mut TaskCx) -> u32 {
    ///     task.irqs_off(|_cx| 1 + 1)
    /// }
    /// ```
    #[doc(alias("local_irq_save", "local_irq_disable"))]
    #[inline(always)]
    fn irqs_off<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::RawCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::local_irq_save(), |_off, cx| f(cx))
    }

    /// Runs `f` with preemption disabled; wraps `preempt_disable()` and `preempt_enable()`.
    #[doc(alias("preempt_disable", "preempt_enable"))]
    #[inline(always)]
    fn preempt_off<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::RawCx<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::preempt_disable(), |_off, cx| f(cx))
    }
}
impl<C: Context> DisableExt for C {}
