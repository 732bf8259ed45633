// SPDX-License-Identifier: GPL-2.0
/* NMIs, of machines whose CPUs can send themselves one. */

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "../testlib.h"

#if defined(CONFIG_X86_64) && defined(CONFIG_X86_LOCAL_APIC)
#include <asm/apic.h>
#include <asm/nmi.h>

static struct handler {
	testlib_fn fn;
	void *data;
	bool done;
} *nmi_wanted;

static int nmi_came(unsigned int type, struct pt_regs *regs)
{
	struct handler *handler = xchg(&nmi_wanted, NULL);

	if (!handler)
		return NMI_DONE;
	handler->fn(handler->data);
	smp_store_release(&handler->done, true);
	return NMI_HANDLED;
}

int testlib_send_nmi(void)
{
	preempt_disable();
	__apic_send_IPI_mask(cpumask_of(smp_processor_id()), NMI_VECTOR);
	preempt_enable();
	return 0;
}

int testlib_run_in_nmi(testlib_fn fn, void *data)
{
	struct handler handler = { .fn = fn, .data = data };
	unsigned int timeout = USEC_PER_SEC;
	int err = register_nmi_handler(NMI_LOCAL, nmi_came, NMI_FLAG_FIRST, "kalloc_testlib");

	if (err)
		return err;
	smp_store_release(&nmi_wanted, &handler);
	testlib_send_nmi();
	while (!smp_load_acquire(&handler.done) && --timeout)
		udelay(1);
	/* Waits for handlers that still run. */
	unregister_nmi_handler(NMI_LOCAL, "kalloc_testlib");
	xchg(&nmi_wanted, NULL);
	return timeout ? 0 : -EIO;
}

static struct {
	testlib_fn fn;
	void *data;
	unsigned int count;
	int cpu;
	bool sent;
	atomic_t came;
} storm;

static int nmi_of_storm(unsigned int type, struct pt_regs *regs)
{
	if (raw_smp_processor_id() != READ_ONCE(storm.cpu) || atomic_read(&storm.came) >= 0)
		return NMI_DONE;
	storm.fn(storm.data);
	atomic_set(&storm.came, 1);
	return NMI_HANDLED;
}

static int send_storm(void *unused)
{
	for (unsigned int i = 0; i < storm.count; i++) {
		unsigned int timeout = USEC_PER_SEC;

		atomic_set(&storm.came, -1);
		__apic_send_IPI_mask(cpumask_of(storm.cpu), NMI_VECTOR);
		while (atomic_read(&storm.came) < 0 && --timeout)
			udelay(1);
		cond_resched();
	}
	smp_store_release(&storm.sent, true);
	return 0;
}

int testlib_nmi_storm(unsigned int count, testlib_fn work, void *work_data, testlib_fn nmi, void *nmi_data)
{
	struct task_struct *sender;
	int other, err;

	migrate_disable();
	storm.fn = nmi;
	storm.data = nmi_data;
	storm.count = count;
	storm.cpu = raw_smp_processor_id();
	storm.sent = false;
	other = cpumask_any_but(cpu_online_mask, storm.cpu);
	err = other < nr_cpu_ids ? register_nmi_handler(NMI_LOCAL, nmi_of_storm, NMI_FLAG_FIRST, "kalloc_storm") :
	      -ENOTSUPP;
	if (err)
		goto out;
	sender = kthread_create(send_storm, NULL, "kalloc_storm");
	if (IS_ERR(sender)) {
		err = PTR_ERR(sender);
	} else {
		kthread_bind(sender, other);
		wake_up_process(sender);
		while (!smp_load_acquire(&storm.sent)) {
			work(work_data);
			cond_resched();
		}
	}
	unregister_nmi_handler(NMI_LOCAL, "kalloc_storm");
out:
	migrate_enable();
	return err;
}
#else
int testlib_run_in_nmi(testlib_fn fn, void *data)
{
	return -ENOTSUPP;
}

int testlib_send_nmi(void)
{
	return -ENOTSUPP;
}

int testlib_nmi_storm(unsigned int count, testlib_fn work, void *work_data, testlib_fn nmi, void *nmi_data)
{
	return -ENOTSUPP;
}
#endif
EXPORT_SYMBOL_GPL(testlib_send_nmi);
EXPORT_SYMBOL_GPL(testlib_run_in_nmi);
EXPORT_SYMBOL_GPL(testlib_nmi_storm);
