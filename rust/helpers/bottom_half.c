// SPDX-License-Identifier: GPL-2.0

#include <linux/bottom_half.h>
#include <linux/irqflags.h>

void kalloc_helper_local_bh_disable(void)
{
	local_bh_disable();
}

/*
 * Interrupts may be off, by a guard of the kernel crate that has left the section. local_bh_enable() would run what is
 * pending, and enable them for it. So that waits for the next interrupt. PREEMPT_RT looks by itself.
 */
void kalloc_helper_local_bh_enable(void)
{
#ifndef CONFIG_PREEMPT_RT
	if (unlikely(irqs_disabled())) {
		_local_bh_enable();
		return;
	}
#endif
	local_bh_enable();
}
