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
 * A guard of the kernel crate may outlive the section and keep interrupts disabled.
 * local_bh_enable() would then run pending softirqs with interrupts enabled. _local_bh_enable()
 * leaves them to the next interrupt. PREEMPT_RT has no such function: softirqs do not run, but the
 * thread stays in an RCU read-side critical section, which is reported.
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
