// SPDX-License-Identifier: GPL-2.0

#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "helpers.h"

/*
 * On PREEMPT_RT irq_work_sync() waits on an rcuwait, which has one waiter. Another task that waits
 * for the same object would not be woken.
 */
static void sync_alone(struct irq_work *work)
{
	static DEFINE_MUTEX(mutex);

	mutex_lock(&mutex);
	irq_work_sync(work);
	mutex_unlock(&mutex);
}

/**
 * kalloc_helper_irq_work_sync() - Wait until an irq_work neither runs nor is queued.
 * @work: the irq_work
 *
 * An irq_work can run on two CPUs at once. irq_work_sync() returns when the first has finished. The
 * second is in an RCU read-side critical section, and may have queued the irq_work once more.
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_irq_work_sync(struct irq_work *work)
{
	sync_alone(work);
	synchronize_rcu();
	sync_alone(work);
}

void kalloc_helper_init_irq_work(struct irq_work *work, void (*fn)(struct irq_work *work),
				 bool hard)
{
	*work = hard ? IRQ_WORK_INIT_HARD(fn) : IRQ_WORK_INIT(fn);
}
