// SPDX-License-Identifier: GPL-2.0

//! `local_irq_save()` and `local_irq_restore()`, by helpers in C.
//!
//! C header: [`include/linux/irqflags.h`](srctree/include/linux/irqflags.h)

pub(crate) use kalloc_bindings::kalloc_helper_local_irq_restore as local_irq_restore;
use kernel::ffi::c_ulong;

/// Disables interrupts on this CPU and returns the previous flags.
#[inline(always)]
pub(crate) fn local_irq_save() -> c_ulong {
    // SAFETY: The call has no preconditions.
    unsafe { kalloc_bindings::kalloc_helper_local_irq_save() }
}
