// SPDX-License-Identifier: GPL-2.0

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/timer.h>

#include "helpers.h"

void kalloc_helper_timer_setup(struct timer_list *timer, void (*fn)(struct timer_list *timer))
{
	timer_setup(timer, fn, 0);
}

int kalloc_helper_timer_start(struct timer_list *timer, unsigned long delay)
{
	/* time_before() takes a later time for one in the past. */
	return mod_timer(timer, jiffies + min(delay, MAX_JIFFY_OFFSET));
}

bool kalloc_helper_timer_pending(const struct timer_list *timer)
{
	return timer_pending(timer);
}
