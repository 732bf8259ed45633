// SPDX-License-Identifier: GPL-2.0

#include <linux/preempt.h>

#include "helpers.h"

void kalloc_helper_preempt_disable(void)
{
	preempt_disable();
}

void kalloc_helper_preempt_enable(void)
{
	preempt_enable();
}
