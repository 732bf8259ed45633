// SPDX-License-Identifier: GPL-2.0
/* Interrupts and workers, to run a function in, and what lockdep knows of contexts. */

#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "../testlib.h"

void testlib_irq_nothread(unsigned int irq, bool set)
{
	if (set)
		irq_set_status_flags(irq, IRQ_NOTHREAD);
	else
		irq_clear_status_flags(irq, IRQ_NOTHREAD);
}
EXPORT_SYMBOL_GPL(testlib_irq_nothread);

/* Lockdep forbids in a hard interrupt of every kernel what the types forbid only on PREEMPT_RT. */
void testlib_not_for_rt(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		lockdep_hardirq_threaded();
}
EXPORT_SYMBOL_GPL(testlib_not_for_rt);

#ifdef CONFIG_LOCKDEP
int testlib_locks_held(const char *name)
{
	int count = 0;

	for (int i = 0; i < current->lockdep_depth; i++) {
		struct lockdep_map *lock = current->held_locks[i].instance;

		/* Which is true of each, and -1 when lockdep has given up. */
		count += !strcmp(lock->name, name) && lock_is_held(lock) == 1;
	}
	return count;
}
#else
int testlib_locks_held(const char *name)
{
	return -ENOTSUPP;
}
#endif
EXPORT_SYMBOL_GPL(testlib_locks_held);

struct interrupt {
	testlib_fn fn;
	void *data;
	bool done;
	struct completion over;
	struct irq_work work;
	struct tasklet_struct tasklet;
};

static void in_irq_work(struct irq_work *work)
{
	struct interrupt *interrupt = container_of(work, struct interrupt, work);

	testlib_not_for_rt();
	interrupt->fn(interrupt->data);
	smp_store_release(&interrupt->done, true);
}

int testlib_run_in_hardirq(testlib_fn fn, void *data)
{
	struct interrupt interrupt = { .fn = fn, .data = data, .work = IRQ_WORK_INIT_HARD(in_irq_work) };

	irq_work_queue(&interrupt.work);
	irq_work_sync(&interrupt.work);
	return smp_load_acquire(&interrupt.done) ? 0 : -EIO;
}
EXPORT_SYMBOL_GPL(testlib_run_in_hardirq);

static void in_tasklet(struct tasklet_struct *tasklet)
{
	struct interrupt *interrupt = container_of(tasklet, struct interrupt, tasklet);

	interrupt->fn(interrupt->data);
	complete(&interrupt->over);
}

int testlib_run_in_softirq(testlib_fn fn, void *data)
{
	struct interrupt interrupt = { .fn = fn, .data = data };

	init_completion(&interrupt.over);
	tasklet_setup(&interrupt.tasklet, in_tasklet);
	tasklet_schedule(&interrupt.tasklet);
	wait_for_completion(&interrupt.over);
	tasklet_kill(&interrupt.tasklet);
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_run_in_softirq);

struct worker_call {
	struct work_struct work;
	testlib_fn fn;
	void *data;
};

static void in_worker(struct work_struct *work)
{
	struct worker_call *call = container_of(work, struct worker_call, work);

	call->fn(call->data);
}

int testlib_run_in_reclaim_worker(testlib_fn fn, void *data)
{
	struct workqueue_struct *queue = alloc_workqueue("kalloc_testlib", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	struct worker_call call = { .fn = fn, .data = data };

	if (!queue)
		return -ENOMEM;
	INIT_WORK_ONSTACK(&call.work, in_worker);
	queue_work(queue, &call.work);
	flush_work(&call.work);
	destroy_work_on_stack(&call.work);
	destroy_workqueue(queue);
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_run_in_reclaim_worker);

static unsigned int tasklet_ran;

static void count_tasklet(struct tasklet_struct *tasklet)
{
	WRITE_ONCE(tasklet_ran, tasklet_ran + 1);
}

static DECLARE_TASKLET(counted_tasklet, count_tasklet);

void testlib_tasklet_schedule(void)
{
	tasklet_schedule(&counted_tasklet);
}
EXPORT_SYMBOL_GPL(testlib_tasklet_schedule);

unsigned int testlib_tasklet_ran(void)
{
	return READ_ONCE(tasklet_ran);
}
EXPORT_SYMBOL_GPL(testlib_tasklet_ran);

void testlib_with_spin_lock_irqsave(testlib_fn fn, void *data)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	fn(data);
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_GPL(testlib_with_spin_lock_irqsave);
