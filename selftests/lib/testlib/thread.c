// SPDX-License-Identifier: GPL-2.0
/* Threads, and the CPUs that they run on. */

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "../testlib.h"

void *testlib_mortal(void)
{
	allow_signal(SIGKILL);
	return current;
}
EXPORT_SYMBOL_GPL(testlib_mortal);

void testlib_immortal(void)
{
	disallow_signal(SIGKILL);
	flush_signals(current);
}
EXPORT_SYMBOL_GPL(testlib_immortal);

int testlib_kill(void *thread)
{
	return send_sig(SIGKILL, thread, 1);
}
EXPORT_SYMBOL_GPL(testlib_kill);

void testlib_die(void)
{
	kthread_complete_and_exit(NULL, SIGSEGV);
}
EXPORT_SYMBOL_GPL(testlib_die);

int testlib_migrate_to(unsigned int cpu)
{
	return cpu < nr_cpu_ids ? set_cpus_allowed_ptr(current, cpumask_of(cpu)) : -EINVAL;
}
EXPORT_SYMBOL_GPL(testlib_migrate_to);

struct there {
	testlib_fn fn;
	void *data;
	struct completion done;
};

static int run_there(void *data)
{
	struct there *there = data;

	there->fn(there->data);
	complete(&there->done);
	return 0;
}

int testlib_on_another_cpu(testlib_fn there_fn, void *there_data, testlib_fn here, void *here_data)
{
	struct there there = { .fn = there_fn, .data = there_data,
			       .done = COMPLETION_INITIALIZER_ONSTACK(there.done) };
	struct task_struct *thread;
	int other, err = 0;

	migrate_disable();
	other = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	thread = other < nr_cpu_ids ? kthread_create(run_there, &there, "kalloc_there") : ERR_PTR(-ENOTSUPP);
	if (IS_ERR(thread)) {
		err = PTR_ERR(thread);
	} else {
		kthread_bind(thread, other);
		wake_up_process(thread);
		here(here_data);
		wait_for_completion(&there.done);
	}
	migrate_enable();
	return err;
}
EXPORT_SYMBOL_GPL(testlib_on_another_cpu);

void testlib_cond_resched(void)
{
	cond_resched();
}
EXPORT_SYMBOL_GPL(testlib_cond_resched);

void testlib_udelay(unsigned int us)
{
	udelay(us);
}
EXPORT_SYMBOL_GPL(testlib_udelay);

void testlib_run_first(bool first)
{
	if (first)
		sched_set_fifo(current);
	else
		sched_set_normal(current, 0);
}
EXPORT_SYMBOL_GPL(testlib_run_first);
