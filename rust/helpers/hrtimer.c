// SPDX-License-Identifier: GPL-2.0

#include <linux/hrtimer.h>

#include "helpers.h"

u64 kalloc_helper_hrtimer_forward_now(struct hrtimer *timer, ktime_t interval)
{
	return hrtimer_forward_now(timer, interval);
}
