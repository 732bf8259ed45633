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
//! Each has a closure form, which is the one to use, and a guard form, the macro
//! [`section!`](crate::section!).

use crate::{
    context::{Context, IrqsOn},
    sync::{enter, within},
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
#[cfg(CONFIG_PCI)]
mod vectors;
#[doc(inline)]
pub use request::{
    AsConfigured, Flags, Handler, Hard, IrqRequest, IrqReturn, Kind, Oneshot, Reenabled,
    Threadable, ThreadedHandler, ThreadedIrqReturn, Triggered,
};
#[cfg(CONFIG_PCI)]
pub use vectors::{AllocVectors, Vectors};

/// Interrupts are off on this CPU until this is dropped.
#[derive(Debug)]
pub struct IrqGuard(c_ulong, NotThreadSafe);

impl IrqGuard {
    /// # Safety
    ///
    /// It is dropped before the guards of the sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(flags::local_irq_save(), NotThreadSafe)
    }
}

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

impl PreemptGuard {
    /// # Safety
    ///
    /// It is dropped before the guards of the sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // SAFETY: It has no preconditions.
        unsafe { kalloc_helper_preempt_disable() };
        Self(NotThreadSafe)
    }
}

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

impl BhGuard {
    /// # Safety
    ///
    /// Interrupts are on, and this is no hard interrupt. It is dropped before the guards of the
    /// sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // SAFETY: By the contract of this function.
        unsafe { kalloc_helper_local_bh_disable() };
        Self(NotThreadSafe)
    }
}

impl Drop for BhGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: They were disabled when this guard was made, on this thread, and sections nest. The
        // helper asks whether interrupts are on, which a guard of the kernel crate that has left the
        // section makes false.
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
        within(self, enter::local_bh_disable(), |_off, cx| f(cx))
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
        within(self, enter::local_irq_save(), |_off, cx| f(cx))
    }

    /// Runs `f` with preemption disabled, wraps `preempt_disable()` and `preempt_enable()`.
    #[inline(always)]
    fn preempt_off<R>(&mut self, f: impl for<'x> FnOnce(&mut Self::Raw<'x>) -> R) -> R
    where
        Self: Sized,
    {
        within(self, enter::preempt_disable(), |_off, cx| f(cx))
    }
}
impl<C: Context> Disable for C {}
