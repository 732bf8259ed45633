// SPDX-License-Identifier: GPL-2.0

#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "helpers.h"

/* Sleeps, without load, until the time has passed or over(data), which is asked when the thread or `var` is woken. */
void kalloc_helper_sleep_on_var(void *var, bool (*over)(const void *data), const void *data, long timeout)
{
	___wait_var_event(var, ___wait_cond_timeout(over(data)), TASK_IDLE, 0, timeout, __ret = schedule_timeout(__ret));
}

void kalloc_helper_wake_up_var(void *var)
{
	/* After what they wait for was written. */
	smp_mb();
	wake_up_var(var);
}
