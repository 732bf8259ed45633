// SPDX-License-Identifier: GPL-2.0

#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "helpers.h"

/* irq_work_sync() of an object on PREEMPT_RT is for one caller at a time: another would wait for ever. */
static void sync_alone(struct irq_work *work)
{
	static DEFINE_MUTEX(mutex);

	mutex_lock(&mutex);
	irq_work_sync(work);
	mutex_unlock(&mutex);
}

/*
 * An object that runs on two CPUs at once is idle for irq_work_sync() when the first is through. The other is on the RCU
 * read side, and may have queued it once more.
 */
void kalloc_helper_irq_work_sync(struct irq_work *work)
{
	sync_alone(work);
	synchronize_rcu();
	sync_alone(work);
}

void kalloc_helper_init_irq_work(struct irq_work *work, void (*fn)(struct irq_work *work), bool hard)
{
	*work = hard ? IRQ_WORK_INIT_HARD(fn) : IRQ_WORK_INIT(fn);
}
