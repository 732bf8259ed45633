// SPDX-License-Identifier: GPL-2.0

//! Interrupts and preemption disabled: sections of [`Raw`](crate::context::Raw) code. Bottom halves
//! disabled: sections of [`Bh`](crate::context::Bh) code. And the handlers of interrupts, which a
//! driver requests [when it is bound](crate::driver::Binding::request_irq).
//!
//! C headers: [`include/linux/irqflags.h`](srctree/include/linux/irqflags.h),
//! [`include/linux/preempt.h`](srctree/include/linux/preempt.h),
//! [`include/linux/bottom_half.h`](srctree/include/linux/bottom_half.h),
//! [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)
//!
//! Interrupts and preemption are really disabled on `CONFIG_PREEMPT_RT` too, where the allocators do
//! not work in such a section: it must use memory that was allocated before. Bottom halves disabled
//! can be preempted there, and sleep on a spinlock.
//!
//! Each has a closure form, which is the one to use, and a guard form. A guard that is leaked
//! (`mem::forget`) ends the borrow of the token before it with interrupts still off: the closure
//! form has no such hole.

use crate::{
    context::{Context, IrqsOn},
    sync::Section,
};
use kalloc_bindings::*;
use kernel::ffi::c_ulong;
use kernel::types::NotThreadSafe;

// Inline where that is what C has: not where it does more, or has other operands or frame pointers.
#[cfg_attr(
    all(
        CONFIG_PARAVIRT_XXL,
        not(any(
            CONFIG_TRACE_IRQFLAGS,
            CONFIG_DEBUG_IRQFLAGS,
            CONFIG_ZERO_CALL_USED_REGS,
            CONFIG_FRAME_POINTER
        ))
    ),
    path = "irq/paravirt.rs"
)]
mod flags;
mod request;
#[doc(inline)]
pub use request::{
    AsConfigured, Flags, Handler, Hard, IrqRequest, IrqReturn, Kind, Oneshot, Reenabled,
    Threadable, ThreadedHandler, ThreadedIrqReturn, Triggered,
};

/// Interrupts are off on this CPU until this is dropped.
#[derive(Debug)]
pub struct IrqGuard(c_ulong, NotThreadSafe);

impl Drop for IrqGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: The flags are those that this guard was made with, on this thread, and sections
        // nest.
        unsafe { flags::local_irq_restore(self.0) }
    }
}

/// Preemption is disabled until this is dropped.
#[derive(Debug)]
pub struct PreemptGuard(NotThreadSafe);

impl Drop for PreemptGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: It was disabled when this guard was made, on this thread.
        unsafe { kalloc_helper_preempt_enable() }
    }
}

/// Bottom halves are disabled on this CPU until this is dropped.
#[derive(Debug)]
pub struct BhGuard(NotThreadSafe);

impl Drop for BhGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: They were disabled when this guard was made, on this thread. Sections nest, so
        // interrupts are on as they were then.
        unsafe { kalloc_helper_local_bh_enable() }
    }
}

/// Disabling bottom halves, in every context with interrupts on.
pub trait DisableBh: IrqsOn {
    /// Runs `f` with bottom halves disabled on this CPU, wraps `local_bh_disable()` and
    /// `local_bh_enable()`.
    ///
    /// With a lock taken in it, it is `spin_lock_bh()`:
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::SpinLock;
    ///
    /// /// What a timer counts too.
    /// fn count(task: &mut Task, events: &SpinLock<u64>) {
    ///     task.bh_off(|cx| cx.locked(events, |events, _cx| *events += 1))
    /// }
    /// ```
    #[inline(always)]
    fn bh_off<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::BhOff<'x>) -> R) -> R
    where
        Self: Sized,
    {
        f(self.local_bh_disable().cx())
    }

    /// Disables bottom halves on this CPU until the section is dropped, wraps `local_bh_disable()`.
    ///
    /// Leaking it leaves them disabled with the token around it usable again;
    /// [`DisableBh::bh_off`] cannot.
    #[inline(always)]
    fn local_bh_disable(&mut self) -> Section<'_, BhGuard, Self::BhOff<'_>> {
        // SAFETY: Interrupts are on, and this is no hard interrupt: the context is `IrqsOn`.
        unsafe { kalloc_helper_local_bh_disable() };
        // SAFETY: With bottom halves disabled the code may do what `Self::BhOff` permits. `self` is
        // borrowed for as long.
        unsafe { Section::new(BhGuard(NotThreadSafe)) }
    }
}
impl<C: IrqsOn> DisableBh for C {}

/// Disabling interrupts and preemption, in every context.
pub trait Disable: Context {
    /// Runs `f` with interrupts off on this CPU, wraps `local_irq_save()` and
    /// `local_irq_restore()`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn quiet(task: &mut Task) -> u32 {
    ///     task.irqs_off(|_cx| 1 + 1)
    /// }
    /// ```
    #[inline(always)]
    fn irqs_off<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::Raw<'x>) -> R) -> R
    where
        Self: Sized,
    {
        f(self.local_irq_save().cx())
    }

    /// Disables interrupts on this CPU until the section is dropped, wraps `local_irq_save()`.
    ///
    /// Sections end in the reverse of their order. Leaking one leaves interrupts off with the token
    /// around it usable again; [`Disable::irqs_off`] cannot.
    #[inline(always)]
    fn local_irq_save(&mut self) -> Section<'_, IrqGuard, Self::Raw<'_>> {
        let flags = flags::local_irq_save();
        // SAFETY: With interrupts off the code may do what `Self::Raw` permits. `self` is borrowed
        // for as long.
        unsafe { Section::new(IrqGuard(flags, NotThreadSafe)) }
    }

    /// Runs `f` with preemption disabled, wraps `preempt_disable()` and `preempt_enable()`.
    #[inline(always)]
    fn preempt_off<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::Raw<'x>) -> R) -> R
    where
        Self: Sized,
    {
        f(self.preempt_disable().cx())
    }

    /// Disables preemption until the section is dropped, wraps `preempt_disable()`.
    ///
    /// Leaking it leaves preemption disabled with the token around it usable again;
    /// [`Disable::preempt_off`] cannot.
    #[inline(always)]
    fn preempt_disable(&mut self) -> Section<'_, PreemptGuard, Self::Raw<'_>> {
        // SAFETY: It has no preconditions.
        unsafe { kalloc_helper_preempt_disable() };
        // SAFETY: With preemption disabled the code may do what `Self::Raw` permits. `self` is
        // borrowed for as long.
        unsafe { Section::new(PreemptGuard(NotThreadSafe)) }
    }
}
impl<C: Context> Disable for C {}
