/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A call through pv_ops, as C's inline functions make it: an argument of asm!, with the native instructions that the
 * kernel puts in its place.
 */

#include <linux/irqflags.h>

// Cut here.

macro_rules! pv_call {
	($native:literal) => {
		::kernel::concat_literals!(ALTERNATIVE_2(ANNOTATE_RETPOLINE_SAFE "\n\tcall *{pv_ops} + {op}(%rip)",
							 ALT_CALL_INSTR, ALT_CALL_ALWAYS, $native, ALT_NOT_XEN))
	};
}
