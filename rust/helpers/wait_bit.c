// SPDX-License-Identifier: GPL-2.0

#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "helpers.h"

/**
 * kalloc_helper_sleep_on_var() - Sleep until a condition is true or a timeout has passed.
 * @var: the address for kalloc_helper_wake_up_var()
 * @over: the condition, which is checked after each wakeup
 * @data: passed to @over
 * @timeout: in jiffies
 *
 * TASK_IDLE: the task does not count for the load average.
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_sleep_on_var(void *var, bool (*over)(const void *data), const void *data,
				long timeout)
{
	___wait_var_event(var, ___wait_cond_timeout(over(data)), TASK_IDLE, 0, timeout,
			  __ret = schedule_timeout(__ret));
}

void kalloc_helper_wake_up_var(void *var)
{
	/*
	 * Orders the caller's write of the condition before the check for waiters. Pairs with the
	 * barrier of set_current_state() in ___wait_var_event(), between the waiter's entry in the
	 * queue and its check of the condition.
	 */
	smp_mb();
	wake_up_var(var);
}
