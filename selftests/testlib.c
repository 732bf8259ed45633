// SPDX-License-Identifier: GPL-2.0
/* What the tests ask of the kernel that no driver needs. */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmstat.h>
#include <trace/events/kmem.h>
#if defined(CONFIG_X86_64) && defined(CONFIG_X86_LOCAL_APIC)
#include <asm/apic.h>
#include <asm/nmi.h>
#endif

#include "testlib.h"

#define TESTLIB_EVENTS 64

static struct testlib_event events[TESTLIB_EVENTS];
static size_t nr_events;
static struct task_struct *traced;

static void record(struct testlib_event event)
{
	if (READ_ONCE(traced) != current || !in_task())
		return;
	if (nr_events < TESTLIB_EVENTS)
		events[nr_events] = event;
	nr_events++;
}

static void probe_kmalloc(void *data, unsigned long call_site, const void *ptr, size_t size, size_t bytes_alloc,
			  gfp_t gfp, int node)
{
	record((struct testlib_event){ .ptr = ptr, .size = size, .gfp = gfp, .node = node });
}

static void probe_kfree(void *data, unsigned long call_site, const void *ptr)
{
	record((struct testlib_event){ .ptr = ptr, .is_free = true });
}

int testlib_trace_start(void)
{
	int err = register_trace_kmalloc(probe_kmalloc, NULL);

	if (err)
		return err;
	err = register_trace_kfree(probe_kfree, NULL);
	if (err) {
		unregister_trace_kmalloc(probe_kmalloc, NULL);
		return err;
	}
	nr_events = 0;
	WRITE_ONCE(traced, current);
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_trace_start);

size_t testlib_trace_stop(void)
{
	WRITE_ONCE(traced, NULL);
	unregister_trace_kfree(probe_kfree, NULL);
	unregister_trace_kmalloc(probe_kmalloc, NULL);
	tracepoint_synchronize_unregister();
	return nr_events;
}
EXPORT_SYMBOL_GPL(testlib_trace_stop);

struct testlib_event testlib_trace_event(size_t index)
{
	return index < min_t(size_t, nr_events, TESTLIB_EVENTS) ? events[index] : (struct testlib_event){};
}
EXPORT_SYMBOL_GPL(testlib_trace_event);

#define ROW(expression) { #expression, expression }
static const struct {
	const char *expression;
	gfp_t bits;
} gfp_rows[] = {
	ROW(GFP_KERNEL),
	ROW(GFP_KERNEL_ACCOUNT),
	ROW(GFP_USER),
	ROW(GFP_HIGHUSER),
	ROW(GFP_HIGHUSER_MOVABLE),
	ROW(GFP_NOFS),
	ROW(GFP_NOIO),
	ROW(GFP_ATOMIC),
	ROW(GFP_NOWAIT),
	ROW(GFP_KERNEL & ~__GFP_RECLAIM),
	ROW(GFP_KERNEL | GFP_DMA),
	ROW(GFP_KERNEL | GFP_DMA32),
	ROW(GFP_KERNEL | __GFP_HIGHMEM),
	ROW(GFP_KERNEL | __GFP_NORETRY),
	ROW(GFP_KERNEL | __GFP_RETRY_MAYFAIL),
	ROW(GFP_KERNEL | __GFP_NOFAIL),
	ROW(GFP_KERNEL | __GFP_MOVABLE),
	ROW(GFP_KERNEL | __GFP_RECLAIMABLE),
	ROW(GFP_KERNEL | __GFP_ZERO),
	ROW(GFP_KERNEL | __GFP_NOWARN),
	ROW(GFP_KERNEL | __GFP_ACCOUNT),
	ROW(GFP_KERNEL | __GFP_THISNODE),
	ROW(GFP_KERNEL | __GFP_COMP),
	ROW(GFP_KERNEL | __GFP_HARDWALL),
	ROW(GFP_KERNEL | __GFP_NOMEMALLOC),
	ROW(__GFP_HIGH | __GFP_KSWAPD_RECLAIM),
	ROW(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN),
	ROW(__GFP_RECLAIM),
	ROW(__GFP_RECLAIM | __GFP_IO),
	ROW(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO | __GFP_FS),
	ROW(GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN),
};

bool testlib_gfp(const char *expression, gfp_t *bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(gfp_rows); i++) {
		if (!strcmp(gfp_rows[i].expression, expression)) {
			*bits = gfp_rows[i].bits;
			return true;
		}
	}
	return false;
}
EXPORT_SYMBOL_GPL(testlib_gfp);

size_t testlib_gfp_rows(void)
{
	return ARRAY_SIZE(gfp_rows);
}
EXPORT_SYMBOL_GPL(testlib_gfp_rows);

phys_addr_t testlib_phys(const void *ptr)
{
	return virt_to_phys((void *)ptr);
}
EXPORT_SYMBOL_GPL(testlib_phys);

unsigned int testlib_max_page_order(void)
{
	return MAX_PAGE_ORDER;
}
EXPORT_SYMBOL_GPL(testlib_max_page_order);

int testlib_node(const void *ptr)
{
	return page_to_nid(virt_to_page(ptr));
}
EXPORT_SYMBOL_GPL(testlib_node);

bool testlib_irqs_disabled(void)
{
	return irqs_disabled();
}
EXPORT_SYMBOL_GPL(testlib_irqs_disabled);

bool testlib_preemptible(void)
{
	return preemptible();
}
EXPORT_SYMBOL_GPL(testlib_preemptible);

unsigned int testlib_preempt_count(void)
{
	return preempt_count();
}
EXPORT_SYMBOL_GPL(testlib_preempt_count);

int testlib_rcu_read_lock_held(void)
{
	return rcu_preempt_depth();
}
EXPORT_SYMBOL_GPL(testlib_rcu_read_lock_held);

bool testlib_in_nofs_scope(void)
{
	return current->flags & PF_MEMALLOC_NOFS;
}
EXPORT_SYMBOL_GPL(testlib_in_nofs_scope);

bool testlib_in_noio_scope(void)
{
	return current->flags & PF_MEMALLOC_NOIO;
}
EXPORT_SYMBOL_GPL(testlib_in_noio_scope);

bool testlib_in_nmi(void)
{
	return in_nmi();
}
EXPORT_SYMBOL_GPL(testlib_in_nmi);

bool testlib_in_hardirq(void)
{
	return in_hardirq();
}
EXPORT_SYMBOL_GPL(testlib_in_hardirq);

struct interrupt {
	testlib_fn fn;
	void *data;
	bool done;
	struct irq_work work;
};

static void in_irq_work(struct irq_work *work)
{
	struct interrupt *interrupt = container_of(work, struct interrupt, work);

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

#if defined(CONFIG_X86_64) && defined(CONFIG_X86_LOCAL_APIC)
static struct interrupt *nmi_wanted;

static int nmi_came(unsigned int type, struct pt_regs *regs)
{
	struct interrupt *interrupt = xchg(&nmi_wanted, NULL);

	if (!interrupt)
		return NMI_DONE;
	interrupt->fn(interrupt->data);
	smp_store_release(&interrupt->done, true);
	return NMI_HANDLED;
}

int testlib_run_in_nmi(testlib_fn fn, void *data)
{
	struct interrupt interrupt = { .fn = fn, .data = data };
	unsigned int timeout = USEC_PER_SEC;
	int err = register_nmi_handler(NMI_LOCAL, nmi_came, NMI_FLAG_FIRST, "kalloc_testlib");

	if (err)
		return err;
	smp_store_release(&nmi_wanted, &interrupt);
	preempt_disable();
	__apic_send_IPI_mask(cpumask_of(smp_processor_id()), NMI_VECTOR);
	preempt_enable();
	while (!smp_load_acquire(&interrupt.done) && --timeout)
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
	      -EOPNOTSUPP;
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
	return -EOPNOTSUPP;
}

int testlib_nmi_storm(unsigned int count, testlib_fn work, void *work_data, testlib_fn nmi, void *nmi_data)
{
	return -EOPNOTSUPP;
}
#endif
EXPORT_SYMBOL_GPL(testlib_run_in_nmi);
EXPORT_SYMBOL_GPL(testlib_nmi_storm);

unsigned int testlib_possible_cpus(void)
{
	return num_possible_cpus();
}
EXPORT_SYMBOL_GPL(testlib_possible_cpus);

unsigned int testlib_this_cpu(void)
{
	return raw_smp_processor_id();
}
EXPORT_SYMBOL_GPL(testlib_this_cpu);

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
	thread = other < nr_cpu_ids ? kthread_create(run_there, &there, "kalloc_there") : ERR_PTR(-EOPNOTSUPP);
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

static struct tracepoint *percpu_tracepoint;
static struct task_struct *percpu_traced;
static struct testlib_percpu_event percpu_event;

static void probe_percpu(void *data, unsigned long call_site, bool reserved, bool is_atomic, size_t size, size_t align,
			 void *base_addr, int off, void __percpu *ptr, size_t bytes_alloc, gfp_t gfp)
{
	if (READ_ONCE(percpu_traced) != current || percpu_event.size)
		return;
	percpu_event = (struct testlib_percpu_event){ .size = size, .align = align, .gfp = gfp };
}

/* The tracepoint is not exported by name. */
static void find_percpu(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "percpu_alloc_percpu"))
		percpu_tracepoint = tp;
}

int testlib_percpu_trace_start(void)
{
	int err;

	for_each_kernel_tracepoint(find_percpu, NULL);
	if (!percpu_tracepoint)
		return -ENOENT;
	percpu_event = (struct testlib_percpu_event){};
	err = tracepoint_probe_register(percpu_tracepoint, probe_percpu, NULL);
	if (!err)
		WRITE_ONCE(percpu_traced, current);
	return err;
}
EXPORT_SYMBOL_GPL(testlib_percpu_trace_start);

struct testlib_percpu_event testlib_percpu_trace_stop(void)
{
	WRITE_ONCE(percpu_traced, NULL);
	tracepoint_probe_unregister(percpu_tracepoint, probe_percpu, NULL);
	tracepoint_synchronize_unregister();
	return percpu_event;
}
EXPORT_SYMBOL_GPL(testlib_percpu_trace_stop);

void testlib_kvfree_rcu_barrier(void)
{
	/* The barrier itself is not exported; who destroys a cache waits for it. */
	kmem_cache_destroy(kmem_cache_create("kalloc_testlib_barrier", 8, 8, SLAB_NO_MERGE, NULL));
}
EXPORT_SYMBOL_GPL(testlib_kvfree_rcu_barrier);

unsigned long testlib_free_pages(void)
{
	return global_zone_page_state(NR_FREE_PAGES);
}
EXPORT_SYMBOL_GPL(testlib_free_pages);

MODULE_DESCRIPTION("What kalloc's tests ask of the kernel");
MODULE_LICENSE("GPL");
