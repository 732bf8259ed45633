// SPDX-License-Identifier: GPL-2.0

#include <linux/rcupdate.h>

#include "helpers.h"

#if IS_ENABLED(CONFIG_MODULE_UNLOAD) && IS_ENABLED(CONFIG_PREEMPTION) && \
	!IS_ENABLED(CONFIG_TASKS_RCU)
#error "kalloc: a kernel that preempts itself needs CONFIG_TASKS_RCU, which CONFIG_KPROBES selects, to unload modules"
#endif

/* Waits until no task still runs in, or returns from, the text of a module that it has used. */
void kalloc_helper_synchronize_rcu_tasks(void)
{
	synchronize_rcu_tasks();
}
