// SPDX-License-Identifier: GPL-2.0

//! `local_irq_save()` and `local_irq_restore()`, which C calls for Rust.
//!
//! C header: [`include/linux/irqflags.h`](srctree/include/linux/irqflags.h)

pub(crate) use kalloc_bindings::kalloc_helper_local_irq_restore as local_irq_restore;
use kernel::ffi::c_ulong;

/// Turns interrupts off on this CPU and gives the flags from before.
#[inline(always)]
pub(crate) fn local_irq_save() -> c_ulong {
    // SAFETY: It has no preconditions.
    unsafe { kalloc_bindings::kalloc_helper_local_irq_save() }
}
