// SPDX-License-Identifier: GPL-2.0

#include <linux/bottom_half.h>
#include <linux/bug.h>
#include <linux/irqflags.h>

#include "helpers.h"

void kalloc_helper_local_bh_disable(void)
{
	local_bh_disable();
}

/*
 * Interrupts may be off, by a guard of the kernel crate that has left the section. local_bh_enable() would run what is
 * pending, and enable them for it. So that waits for the next interrupt. On PREEMPT_RT nothing runs, but the thread stays on
 * the RCU read side, for which there is no other function: that is reported.
 */
void kalloc_helper_local_bh_enable(void)
{
#ifdef CONFIG_PREEMPT_RT
	WARN_ON_ONCE(irqs_disabled());
#else
	if (unlikely(irqs_disabled())) {
		_local_bh_enable();
		return;
	}
#endif
	local_bh_enable();
}
