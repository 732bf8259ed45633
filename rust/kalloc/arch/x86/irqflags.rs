// SPDX-License-Identifier: GPL-2.0

//! `local_irq_save()` and `local_irq_restore()` with `CONFIG_PARAVIRT_XXL`, as C has them inline:
//! calls through `pv_ops`, which the kernel patches to native instructions when it does not run
//! under Xen.
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

/// Calls a function of `pv_ops` that has no arguments and preserves all registers except `rax`.
/// Returns `rax`.
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

/// Disables interrupts on this CPU and returns the previous flags.
#[inline(always)]
pub(crate) fn local_irq_save() -> c_ulong {
    let flags = pv_irq!(save_fl, "pushf; pop %rax");
    pv_irq!(irq_disable, "cli");
    flags
}

/// Enables interrupts if they were enabled in `flags`.
///
/// # Safety
///
/// [`local_irq_save`] returned `flags` for the section that ends here.
#[inline(always)]
pub(crate) unsafe fn local_irq_restore(flags: c_ulong) {
    if flags & KALLOC_CONST_X86_EFLAGS_IF != 0 {
        pv_irq!(irq_enable, "sti");
    }
}
