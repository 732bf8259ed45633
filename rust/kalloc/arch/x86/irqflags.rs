// SPDX-License-Identifier: GPL-2.0

//! `local_irq_save()` and `local_irq_restore()` of a kernel that may run under Xen, which C has
//! inline: calls through `pv_ops`, in the place of which the kernel puts the processor's own
//! instructions when it runs without.
//!
//! C header: [`arch/x86/include/asm/paravirt.h`](srctree/arch/x86/include/asm/paravirt.h)

use core::mem::offset_of;
use kalloc_bindings::KALLOC_CONST_X86_EFLAGS_IF;
use kernel::{
    bindings::{
        paravirt_patch_template,
        pv_ops, //
    },
    ffi::c_ulong, //
};

// The macro `pv_call!`.
include!(concat!(env!("KALLOC_BINDINGS"), "/paravirt_generated.rs"));

/// Calls a function of `pv_ops` that has no arguments and keeps all registers but `rax`, which this
/// gives.
macro_rules! pv_irq {
    ($op:ident, $native:literal) => {{
        let rax: c_ulong;
        // SAFETY: This is C's macro with C's operands, and the function has no preconditions.
        unsafe {
            kernel::asm!(
                pv_call!($native);
                pv_ops = sym pv_ops,
                op = const offset_of!(paravirt_patch_template, irq.$op),
                out("rax") rax,
            )
        }
        rax
    }};
}

/// Turns interrupts off on this CPU and gives the flags from before.
#[inline(always)]
pub(crate) fn local_irq_save() -> c_ulong {
    let flags = pv_irq!(save_fl, "pushf; pop %rax");
    pv_irq!(irq_disable, "cli");
    flags
}

/// Turns interrupts on again where they were on.
///
/// # Safety
///
/// `flags` are what [`local_irq_save`] gave for the section that ends here.
#[inline(always)]
pub(crate) unsafe fn local_irq_restore(flags: c_ulong) {
    if flags & KALLOC_CONST_X86_EFLAGS_IF != 0 {
        pv_irq!(irq_enable, "sti");
    }
}
