// SPDX-License-Identifier: GPL-2.0
/* What the tests ask of the kernel that no driver needs. */

#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/irqdesc.h>
#include <linux/irqflags.h>
#include <linux/kmod.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/notifier.h>
#include <linux/path.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/ucopysize.h>
#include <linux/umh.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>
#include <trace/events/dma.h>
#include <trace/events/kmem.h>
#include <trace/events/percpu.h>
#if defined(CONFIG_X86_64) && defined(CONFIG_X86_LOCAL_APIC)
#include <asm/apic.h>
#include <asm/nmi.h>
#endif

#include "testlib.h"

#define TESTLIB_EVENTS 256

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

/* In which kmemleak remembers allocations, and which is no business of the thread. */
static struct kmem_cache *kmemleak_cache;
static struct task_struct *learns;

static void probe_kmem_cache_alloc(void *data, unsigned long call_site, const void *ptr, struct kmem_cache *cache,
				   gfp_t gfp, int node)
{
	if (READ_ONCE(learns) == current && in_task())
		kmemleak_cache = cache;
	if (cache == kmemleak_cache)
		return;
	record((struct testlib_event){ .ptr = ptr, .gfp = gfp, .node = node });
}

static void probe_kmem_cache_free(void *data, unsigned long call_site, const void *ptr, const struct kmem_cache *cache)
{
	record((struct testlib_event){ .ptr = ptr, .is_free = true });
}

void testlib_trace_start(void)
{
	nr_events = 0;
	WRITE_ONCE(traced, current);
}
EXPORT_SYMBOL_GPL(testlib_trace_start);

size_t testlib_trace_stop(void)
{
	WRITE_ONCE(traced, NULL);
	return nr_events;
}
EXPORT_SYMBOL_GPL(testlib_trace_stop);

struct testlib_event testlib_trace_event(size_t index)
{
	return index < min_t(size_t, nr_events, TESTLIB_EVENTS) ? events[index] : (struct testlib_event){};
}
EXPORT_SYMBOL_GPL(testlib_trace_event);

/* The same where the code runs, be it an interrupt: what comes in between is at another level. */
static struct testlib_event here_events[16];
static size_t nr_here_events;
static struct task_struct *here_traced;
static unsigned char here_level;

static void record_here(struct testlib_event event)
{
	if (READ_ONCE(here_traced) != current || here_level != interrupt_context_level())
		return;
	if (nr_here_events < ARRAY_SIZE(here_events))
		here_events[nr_here_events++] = event;
}

static void see_kmalloc(void *data, unsigned long call_site, const void *ptr, size_t size, size_t bytes_alloc,
			gfp_t gfp, int node)
{
	record_here((struct testlib_event){ .ptr = ptr, .size = size, .gfp = gfp, .node = node });
}

static void see_kmem_cache_alloc(void *data, unsigned long call_site, const void *ptr, struct kmem_cache *cache,
				 gfp_t gfp, int node)
{
	record_here((struct testlib_event){ .ptr = ptr, .gfp = gfp, .node = node });
}

void testlib_here_trace_start(void)
{
	nr_here_events = 0;
	here_level = interrupt_context_level();
	WRITE_ONCE(here_traced, current);
}
EXPORT_SYMBOL_GPL(testlib_here_trace_start);

void testlib_here_trace_stop(void)
{
	WRITE_ONCE(here_traced, NULL);
}
EXPORT_SYMBOL_GPL(testlib_here_trace_stop);

gfp_t testlib_here_gfp(const void *ptr)
{
	for (size_t i = 0; i < nr_here_events; i++)
		if (here_events[i].ptr == ptr)
			return here_events[i].gfp;
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_here_gfp);

static struct testlib_page_event page_events[TESTLIB_EVENTS];
static size_t nr_page_events;
static struct task_struct *page_traced;

static void record_page(struct testlib_page_event event)
{
	if (READ_ONCE(page_traced) != current || !in_task())
		return;
	if (nr_page_events < TESTLIB_EVENTS)
		page_events[nr_page_events] = event;
	nr_page_events++;
}

static void probe_mm_page_alloc(void *data, struct page *page, unsigned int order, gfp_t gfp, int migratetype)
{
	record_page((struct testlib_page_event){ .pfn = page ? page_to_pfn(page) : 0, .order = order, .gfp = gfp });
}

static void probe_mm_page_free(void *data, struct page *page, unsigned int order)
{
	record_page((struct testlib_page_event){ .pfn = page_to_pfn(page), .order = order, .is_free = true });
}

void testlib_page_trace_start(void)
{
	nr_page_events = 0;
	WRITE_ONCE(page_traced, current);
}
EXPORT_SYMBOL_GPL(testlib_page_trace_start);

size_t testlib_page_trace_stop(void)
{
	WRITE_ONCE(page_traced, NULL);
	return nr_page_events;
}
EXPORT_SYMBOL_GPL(testlib_page_trace_stop);

struct testlib_page_event testlib_page_trace_event(size_t index)
{
	return index < min_t(size_t, nr_page_events, TESTLIB_EVENTS) ? page_events[index] :
								       (struct testlib_page_event){};
}
EXPORT_SYMBOL_GPL(testlib_page_trace_event);

static struct testlib_map_event map_events[TESTLIB_EVENTS];
static size_t nr_map_events;
static struct task_struct *map_traced;

static void record_map(struct testlib_map_event event)
{
	/* A breakpoint counts as an NMI, so in_task() says nothing here. */
	if (READ_ONCE(map_traced) != current)
		return;
	if (nr_map_events < TESTLIB_EVENTS)
		map_events[nr_map_events] = event;
	nr_map_events++;
}

static int probe_map(struct kprobe *p, struct pt_regs *regs)
{
	record_map((struct testlib_map_event){
		.pfn = page_to_pfn((struct page *)regs_get_kernel_argument(regs, 0)),
	});
	return 0;
}

static int probe_unmap(struct kprobe *p, struct pt_regs *regs)
{
	record_map((struct testlib_map_event){
		.pfn = page_to_pfn(kmap_to_page((void *)regs_get_kernel_argument(regs, 0))),
		.is_unmap = true,
	});
	return 0;
}

/* Through these Rust maps and unmaps, also where that leaves no other trace. */
static struct kprobe map_probe = { .symbol_name = "rust_helper_kmap_local_page", .pre_handler = probe_map };
static struct kprobe unmap_probe = { .symbol_name = "rust_helper_kunmap_local", .pre_handler = probe_unmap };

int testlib_map_trace_start(void)
{
	int err = register_kprobe(&map_probe);

	if (err)
		return err;
	err = register_kprobe(&unmap_probe);
	if (err) {
		unregister_kprobe(&map_probe);
		return err;
	}
	nr_map_events = 0;
	WRITE_ONCE(map_traced, current);
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_map_trace_start);

size_t testlib_map_trace_stop(void)
{
	WRITE_ONCE(map_traced, NULL);
	unregister_kprobe(&unmap_probe);
	unregister_kprobe(&map_probe);
	/* Fit to be registered again. */
	map_probe.addr = NULL;
	map_probe.flags = 0;
	unmap_probe.addr = NULL;
	unmap_probe.flags = 0;
	return nr_map_events;
}
EXPORT_SYMBOL_GPL(testlib_map_trace_stop);

struct testlib_map_event testlib_map_trace_event(size_t index)
{
	return index < min_t(size_t, nr_map_events, TESTLIB_EVENTS) ? map_events[index] : (struct testlib_map_event){};
}
EXPORT_SYMBOL_GPL(testlib_map_trace_event);

bool testlib_page_compound(unsigned long pfn)
{
	return PageCompound(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(testlib_page_compound);

unsigned int testlib_page_order(unsigned long pfn)
{
	return compound_order(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(testlib_page_order);

int testlib_page_count(unsigned long pfn)
{
	return page_ref_count(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(testlib_page_count);

void testlib_get_page(unsigned long pfn)
{
	get_page(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(testlib_get_page);

void testlib_put_page(unsigned long pfn)
{
	put_page(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(testlib_put_page);

unsigned long testlib_free_pages(void)
{
	unsigned long free = global_zone_page_state(NR_FREE_PAGES);
	int node, zone, cpu;

	for_each_online_node(node)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			for_each_online_cpu(cpu)
				free += per_cpu_ptr(NODE_DATA(node)->node_zones[zone].per_cpu_pageset, cpu)->count;
	return free;
}
EXPORT_SYMBOL_GPL(testlib_free_pages);

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

unsigned long testlib_pfn(const void *ptr)
{
	return page_to_pfn(is_vmalloc_addr(ptr) ? vmalloc_to_page(ptr) : virt_to_page(ptr));
}
EXPORT_SYMBOL_GPL(testlib_pfn);

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

bool testlib_is_vmalloc(const void *ptr)
{
	return is_vmalloc_addr(ptr);
}
EXPORT_SYMBOL_GPL(testlib_is_vmalloc);

bool testlib_vmalloc_mapped(const void *ptr)
{
	return vmalloc_to_page(ptr);
}
EXPORT_SYMBOL_GPL(testlib_vmalloc_mapped);

int testlib_vmalloc_node(const void *ptr)
{
	return page_to_nid(vmalloc_to_page(ptr));
}
EXPORT_SYMBOL_GPL(testlib_vmalloc_node);

unsigned long testlib_totalram_pages(void)
{
	return totalram_pages();
}
EXPORT_SYMBOL_GPL(testlib_totalram_pages);

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

bool testlib_in_noreclaim_scope(void)
{
	return current->flags & PF_MEMALLOC;
}
EXPORT_SYMBOL_GPL(testlib_in_noreclaim_scope);

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

bool testlib_in_softirq(void)
{
	return in_softirq();
}
EXPORT_SYMBOL_GPL(testlib_in_softirq);

bool testlib_in_irq_thread(void)
{
	return in_task() && (current->flags & PF_KTHREAD) && strstarts(current->comm, "irq/");
}
EXPORT_SYMBOL_GPL(testlib_in_irq_thread);

bool testlib_irq_has_action(unsigned int irq)
{
	return irq_has_action(irq);
}
EXPORT_SYMBOL_GPL(testlib_irq_has_action);

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
	return -EOPNOTSUPP;
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

int testlib_send_nmi(void)
{
	preempt_disable();
	__apic_send_IPI_mask(cpumask_of(smp_processor_id()), NMI_VECTOR);
	preempt_enable();
	return 0;
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

int testlib_send_nmi(void)
{
	return -EOPNOTSUPP;
}

int testlib_nmi_storm(unsigned int count, testlib_fn work, void *work_data, testlib_fn nmi, void *nmi_data)
{
	return -EOPNOTSUPP;
}
#endif
EXPORT_SYMBOL_GPL(testlib_send_nmi);
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

int testlib_migrate_to(unsigned int cpu)
{
	return cpu < nr_cpu_ids ? set_cpus_allowed_ptr(current, cpumask_of(cpu)) : -EINVAL;
}
EXPORT_SYMBOL_GPL(testlib_migrate_to);

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

void testlib_die(void)
{
	kthread_complete_and_exit(NULL, SIGSEGV);
}
EXPORT_SYMBOL_GPL(testlib_die);

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

static struct task_struct *percpu_traced;
static struct testlib_percpu_event percpu_event;

static void probe_percpu_alloc_percpu(void *data, unsigned long call_site, bool reserved, bool is_atomic, size_t size, size_t align,
			 void *base_addr, int off, void __percpu *ptr, size_t bytes_alloc, gfp_t gfp)
{
	if (READ_ONCE(percpu_traced) != current || percpu_event.size)
		return;
	percpu_event = (struct testlib_percpu_event){ .size = size, .align = align, .gfp = gfp };
}

void testlib_percpu_trace_start(void)
{
	percpu_event = (struct testlib_percpu_event){};
	WRITE_ONCE(percpu_traced, current);
}
EXPORT_SYMBOL_GPL(testlib_percpu_trace_start);

struct testlib_percpu_event testlib_percpu_trace_stop(void)
{
	WRITE_ONCE(percpu_traced, NULL);
	return percpu_event;
}
EXPORT_SYMBOL_GPL(testlib_percpu_trace_stop);

static unsigned long watched_memory;
static atomic_t watched, watched_here;
static struct task_struct *watcher;

static void see_free(unsigned long memory)
{
	if (memory != READ_ONCE(watched_memory))
		return;
	atomic_inc(&watched);
	if (current == READ_ONCE(watcher))
		atomic_inc(&watched_here);
}

static void see_page_free(void *data, struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page), memory = READ_ONCE(watched_memory);

	if (memory && memory - pfn < 1UL << order)
		see_free(memory);
}

static int see_pointer(struct kprobe *p, struct pt_regs *regs)
{
	see_free(regs_get_kernel_argument(regs, 0));
	return 0;
}

/* What is watched may be behind the head of an object. */
static int see_object(struct kprobe *p, struct pt_regs *regs)
{
	unsigned long memory = READ_ONCE(watched_memory);

	if (memory - regs_get_kernel_argument(regs, 1) < 2 * sizeof(long))
		see_free(memory);
	return 0;
}

static int see_bulk(struct kprobe *p, struct pt_regs *regs)
{
	see_free(*(unsigned long *)regs_get_kernel_argument(regs, 2));
	return 0;
}

static int see_cache(struct kprobe *p, struct pt_regs *regs)
{
	see_free(TESTLIB_ANY_CACHE);
	return 0;
}

/* Not the kmem: tracepoints, of which some of these functions have none. */
static struct kprobe free_probes[] = {
	{ .symbol_name = "kfree", .pre_handler = see_pointer },
	{ .symbol_name = "kfree_nolock", .pre_handler = see_pointer },
	{ .symbol_name = "free_percpu", .pre_handler = see_pointer },
	{ .symbol_name = "kmem_cache_free", .pre_handler = see_object },
	{ .symbol_name = "kmem_cache_free_bulk", .pre_handler = see_bulk },
	{ .symbol_name = "kmem_cache_destroy", .pre_handler = see_cache },
};

int testlib_watch_start(void)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(free_probes); i++) {
		/* Fit to be registered again. */
		free_probes[i].addr = NULL;
		free_probes[i].flags = 0;
		err = register_kprobe(&free_probes[i]);
	}
	if (err)
		testlib_watch_stop();
	return err;
}
EXPORT_SYMBOL_GPL(testlib_watch_start);

void testlib_watch_stop(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(free_probes); i++)
		unregister_kprobe(&free_probes[i]);
	WRITE_ONCE(watched_memory, 0);
}
EXPORT_SYMBOL_GPL(testlib_watch_stop);

void testlib_watch(unsigned long memory)
{
	WRITE_ONCE(watched_memory, 0);
	atomic_set(&watched, 0);
	atomic_set(&watched_here, 0);
	WRITE_ONCE(watched_memory, memory);
}
EXPORT_SYMBOL_GPL(testlib_watch);

void testlib_watch_from_here(void)
{
	WRITE_ONCE(watcher, current);
}
EXPORT_SYMBOL_GPL(testlib_watch_from_here);

unsigned int testlib_watched(void)
{
	return atomic_read(&watched);
}
EXPORT_SYMBOL_GPL(testlib_watched);

unsigned int testlib_watched_here(void)
{
	return atomic_read(&watched_here);
}
EXPORT_SYMBOL_GPL(testlib_watched_here);

void testlib_with_spin_lock_irqsave(testlib_fn fn, void *data)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	fn(data);
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_GPL(testlib_with_spin_lock_irqsave);

bool testlib_in_serving_softirq(void)
{
	return in_serving_softirq();
}
EXPORT_SYMBOL_GPL(testlib_in_serving_softirq);

bool testlib_fail_nth(unsigned int n)
{
#ifdef CONFIG_FAULT_INJECTION
	WRITE_ONCE(current->fail_nth, n);
#endif
	return IS_ENABLED(CONFIG_FAILSLAB) && IS_ENABLED(CONFIG_FAIL_PAGE_ALLOC);
}
EXPORT_SYMBOL_GPL(testlib_fail_nth);

bool testlib_has_failed(void)
{
#ifdef CONFIG_FAULT_INJECTION
	unsigned int left = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return !left;
#else
	return false;
#endif
}
EXPORT_SYMBOL_GPL(testlib_has_failed);

void __no_sanitize_address testlib_peek(const void *from, void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((char volatile *)to)[i] = ((char const volatile *)from)[i];
}
EXPORT_SYMBOL_GPL(testlib_peek);

unsigned long testlib_voluntary_switches(void)
{
	return current->nvcsw;
}
EXPORT_SYMBOL_GPL(testlib_voluntary_switches);

void testlib_kvfree_rcu_barrier(void)
{
	/* The barrier itself is not exported; who destroys a cache waits for it. */
	kmem_cache_destroy(kmem_cache_create("kalloc_testlib_barrier", 8, 8, SLAB_NO_MERGE, NULL));
}
EXPORT_SYMBOL_GPL(testlib_kvfree_rcu_barrier);

/* A file that is closed after a while. */
static struct file *open_file;

static void close_file(struct work_struct *work)
{
	filp_close(open_file, NULL);
}
static DECLARE_DELAYED_WORK(close_file_work, close_file);

int testlib_open_for(const char *path, unsigned int ms)
{
	struct file *file = filp_open(path, O_RDONLY, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	flush_delayed_work(&close_file_work);
	open_file = file;
	schedule_delayed_work(&close_file_work, msecs_to_jiffies(ms));
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_open_for);

long testlib_slab_attribute(const char *cache, const char *attribute)
{
	char text[64] = {};
	char *path = kasprintf(GFP_KERNEL, "/sys/kernel/slab/%s/%s", cache, attribute);
	struct file *file;
	loff_t pos = 0;
	ssize_t len;

	if (!path)
		return -ENOMEM;
	file = filp_open(path, O_RDONLY, 0);
	kfree(path);
	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, text, sizeof(text) - 1, &pos);
	filp_close(file, NULL);
	if (len < 0)
		return len;
	/* Numbers, or whether there is any text. */
	return text[0] >= '0' && text[0] <= '9' ? simple_strtol(text, NULL, 10) : len;
}
EXPORT_SYMBOL_GPL(testlib_slab_attribute);

bool testlib_slab_id(const char *cache, char *id, size_t len)
{
	char *name = kasprintf(GFP_KERNEL, "/sys/kernel/slab/%s", cache);
	struct path path;
	int err = name ? kern_path(name, LOOKUP_FOLLOW, &path) : -ENOMEM;

	kfree(name);
	if (err)
		return false;
	strscpy(id, path.dentry->d_name.name, len);
	path_put(&path);
	return true;
}
EXPORT_SYMBOL_GPL(testlib_slab_id);

/* With one of these a kprobe may change where to go on. */
static void goes_elsewhere(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static int divert(struct kprobe *probe)
{
	/* Fit to be registered again. */
	probe->addr = NULL;
	probe->flags = 0;
	probe->post_handler = goes_elsewhere;
	return register_kprobe(probe);
}

static struct task_struct *gets_null;

static void *null(void)
{
	return NULL;
}

static int instead_of_memory(struct kprobe *p, struct pt_regs *regs)
{
	if (cmpxchg(&gets_null, current, NULL) != current)
		return 0;
	/* It returns to the caller. */
	instruction_pointer_set(regs, (unsigned long)null);
	return 1;
}

static struct kprobe null_probe = { .pre_handler = instead_of_memory };

bool testlib_null_start(const char *function)
{
	null_probe.symbol_name = function;
	if (divert(&null_probe))
		return false;
	WRITE_ONCE(gets_null, current);
	return true;
}
EXPORT_SYMBOL_GPL(testlib_null_start);

bool testlib_null_stop(void)
{
	bool came = !xchg(&gets_null, NULL);

	unregister_kprobe(&null_probe);
	return came;
}
EXPORT_SYMBOL_GPL(testlib_null_stop);

#ifdef CONFIG_HARDENED_USERCOPY
static struct {
	const void *ptr;
	size_t len;
	bool stopped;
	struct task_struct *thread;
	struct completion over;
} usercopy;

static void stop_usercopy(void)
{
	usercopy.stopped = true;
	kthread_complete_and_exit(&usercopy.over, 0);
}

/* Its callers do not expect it to return. */
static int instead_of_abort(struct kprobe *p, struct pt_regs *regs)
{
	if (current != usercopy.thread)
		return 0;
	instruction_pointer_set(regs, (unsigned long)stop_usercopy);
	return 1;
}

static int check_usercopy(void *data)
{
	__check_object_size(usercopy.ptr, usercopy.len, true);
	kthread_complete_and_exit(&usercopy.over, 0);
}

int testlib_may_copy_to_user(const void *ptr, size_t len)
{
	static struct kprobe probe = { .symbol_name = "usercopy_abort", .pre_handler = instead_of_abort };
	struct task_struct *thread;
	int err = divert(&probe);

	if (err)
		return err;
	usercopy.ptr = ptr;
	usercopy.len = len;
	usercopy.stopped = false;
	init_completion(&usercopy.over);
	thread = kthread_create(check_usercopy, NULL, "kalloc_usercopy");
	if (IS_ERR(thread)) {
		err = PTR_ERR(thread);
	} else {
		usercopy.thread = thread;
		wake_up_process(thread);
		wait_for_completion(&usercopy.over);
		err = !usercopy.stopped;
	}
	unregister_kprobe(&probe);
	return err;
}
#else
int testlib_may_copy_to_user(const void *ptr, size_t len)
{
	return -EOPNOTSUPP;
}
#endif
EXPORT_SYMBOL_GPL(testlib_may_copy_to_user);

static const void *dma_traced;
static struct testlib_dma_event dma_events[TESTLIB_EVENTS];
static atomic_t nr_dma_events;
static unsigned int dma_free_delay;

static void dma_event(struct device *dev, struct testlib_dma_event event)
{
	unsigned int index;

	if (READ_ONCE(dma_traced) != dev)
		return;
	event.in_interrupt = in_interrupt();
	event.irqs_disabled = irqs_disabled();
	event.in_worker = in_task() && current->flags & PF_WQ_WORKER;
	index = atomic_inc_return(&nr_dma_events) - 1;
	if (index < TESTLIB_EVENTS)
		dma_events[index] = event;
	if (event.kind == TESTLIB_DMA_FREE)
		mdelay(READ_ONCE(dma_free_delay));
}

#define DMA_EVENT(_kind, _handle, _size, _dir, ...)								\
	dma_event(dev, (struct testlib_dma_event){								\
		.kind = TESTLIB_DMA_##_kind, .handle = _handle, .size = _size, .dir = _dir, __VA_ARGS__ })

#define DMA_ALLOC(name, kind)											\
static void probe_##name(void *data, struct device *dev, void *virt, dma_addr_t handle, size_t size,		\
			 enum dma_data_direction dir, gfp_t gfp, unsigned long attrs)				\
{														\
	DMA_EVENT(kind, handle, size, dir, .gfp = gfp, .attrs = attrs);						\
}
#define DMA_FREE(name, kind)											\
static void probe_##name(void *data, struct device *dev, void *virt, dma_addr_t handle, size_t size,		\
			 enum dma_data_direction dir, unsigned long attrs)					\
{														\
	DMA_EVENT(kind, handle, size, dir, .attrs = attrs);							\
}
#define DMA_SYNC(name, kind)											\
static void probe_##name(void *data, struct device *dev, dma_addr_t handle, size_t size,			\
			 enum dma_data_direction dir)								\
{														\
	DMA_EVENT(kind, handle, size, dir);									\
}
#define DMA_SYNC_SG(name, kind)											\
static void probe_##name(void *data, struct device *dev, struct scatterlist *sgl, int nents,			\
			 enum dma_data_direction dir)								\
{														\
	DMA_EVENT(kind, sg_dma_address(sgl), nents, dir);							\
}

DMA_ALLOC(dma_alloc, ALLOC)
DMA_FREE(dma_free, FREE)
DMA_ALLOC(dma_alloc_pages, ALLOC_PAGES)
DMA_FREE(dma_free_pages, FREE_PAGES)
DMA_SYNC(dma_sync_single_for_cpu, SYNC_FOR_CPU)
DMA_SYNC(dma_sync_single_for_device, SYNC_FOR_DEVICE)
DMA_SYNC_SG(dma_sync_sg_for_cpu, SYNC_SG_FOR_CPU)
DMA_SYNC_SG(dma_sync_sg_for_device, SYNC_SG_FOR_DEVICE)

static void probe_dma_map_phys(void *data, struct device *dev, phys_addr_t phys, dma_addr_t handle, size_t size,
			       enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(MAP, handle, size, dir, .attrs = attrs);
}

static void probe_dma_unmap_phys(void *data, struct device *dev, dma_addr_t handle, size_t size,
				 enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(UNMAP, handle, size, dir, .attrs = attrs);
}

static void probe_dma_map_sg(void *data, struct device *dev, struct scatterlist *sgl, int nents, int ents,
			     enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(MAP_SG, sg_dma_address(sgl), nents, dir, .attrs = attrs);
}

static void probe_dma_unmap_sg(void *data, struct device *dev, struct scatterlist *sgl, int nents,
			       enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(UNMAP_SG, sg_dma_address(sgl), nents, dir, .attrs = attrs);
}

void testlib_dma_trace_start(const void *dev)
{
	atomic_set(&nr_dma_events, 0);
	WRITE_ONCE(dma_traced, dev);
}
EXPORT_SYMBOL_GPL(testlib_dma_trace_start);

size_t testlib_dma_traced(void)
{
	return atomic_read(&nr_dma_events);
}
EXPORT_SYMBOL_GPL(testlib_dma_traced);

void testlib_dma_slow_free(unsigned int milliseconds)
{
	WRITE_ONCE(dma_free_delay, milliseconds);
}
EXPORT_SYMBOL_GPL(testlib_dma_slow_free);

size_t testlib_dma_trace_stop(void)
{
	WRITE_ONCE(dma_traced, NULL);
	/* Another CPU may be in the middle of an event. */
	tracepoint_synchronize_unregister();
	return atomic_read(&nr_dma_events);
}
EXPORT_SYMBOL_GPL(testlib_dma_trace_stop);

/* How many there were, while it runs. */
size_t testlib_dma_trace_count(void)
{
	return atomic_read(&nr_dma_events);
}
EXPORT_SYMBOL_GPL(testlib_dma_trace_count);

struct testlib_dma_event testlib_dma_trace_event(size_t index)
{
	return index < min_t(size_t, atomic_read(&nr_dma_events), TESTLIB_EVENTS) ? dma_events[index] :
										  (struct testlib_dma_event){};
}
EXPORT_SYMBOL_GPL(testlib_dma_trace_event);

bool testlib_dma_need_sync(const void *dev)
{
	return dma_dev_need_sync(dev);
}
EXPORT_SYMBOL_GPL(testlib_dma_need_sync);

void testlib_run_first(bool first)
{
	if (first)
		sched_set_fifo(current);
	else
		sched_set_normal(current, 0);
}
EXPORT_SYMBOL_GPL(testlib_run_first);

long testlib_unload_another(void)
{
	static char *argv[] = { "/sbin/rmmod", "cordic", NULL };
	static char *envp[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	ktime_t start;
	int err;

	err = request_module("cordic");
	if (err)
		return err < 0 ? err : -ENOENT;
	start = ktime_get();
	err = call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);
	if (err)
		return err < 0 ? err : -EIO;
	return ktime_ms_delta(ktime_get(), start);
}
EXPORT_SYMBOL_GPL(testlib_unload_another);

static const atomic_t *must_stop;
static bool (*must_hold)(void);

static void nothing(void *data)
{
}

static int module_changes(struct notifier_block *block, unsigned long state, void *mod)
{
	int before;

	if (state == MODULE_STATE_GOING && within_module((unsigned long)must_hold, mod)) {
		WARN(!must_hold(), "testlib: something of the module may run after its end\n");
		must_hold = NULL;
	}
	if (state != MODULE_STATE_GOING || !within_module((unsigned long)must_stop, mod))
		return NOTIFY_DONE;
	before = atomic_read(must_stop);
	testlib_run_in_nmi(nothing, NULL);
	msleep(20);
	WARN(atomic_read(must_stop) != before, "testlib: something of the module runs after its end\n");
	must_stop = NULL;
	return NOTIFY_OK;
}

void testlib_must_stop(const void *count)
{
	must_stop = count;
}
EXPORT_SYMBOL_GPL(testlib_must_stop);

void testlib_must_hold(bool (*condition)(void))
{
	must_hold = condition;
}
EXPORT_SYMBOL_GPL(testlib_must_hold);

static struct notifier_block module_notifier = { .notifier_call = module_changes };

/*
 * The tracepoints that tests look through. To register a probe costs the machine more than most tests, so each is there
 * as long as this module. The kernel does not export them all, but lists them.
 */
static struct {
	const char *name;
	void *probe;
	struct tracepoint *tp;
} probes[] = {
#define PROBE(name) { #name, probe_##name }
	PROBE(kmalloc), PROBE(kfree), PROBE(kmem_cache_alloc), PROBE(kmem_cache_free),
	PROBE(mm_page_alloc), PROBE(mm_page_free), { "mm_page_free", see_page_free },
	{ "kmalloc", see_kmalloc }, { "kmem_cache_alloc", see_kmem_cache_alloc },
	PROBE(percpu_alloc_percpu),
	PROBE(dma_alloc), PROBE(dma_free), PROBE(dma_alloc_pages), PROBE(dma_free_pages),
	PROBE(dma_map_phys), PROBE(dma_unmap_phys), PROBE(dma_map_sg), PROBE(dma_unmap_sg),
	PROBE(dma_sync_single_for_cpu), PROBE(dma_sync_single_for_device),
	PROBE(dma_sync_sg_for_cpu), PROBE(dma_sync_sg_for_device),
};

static void find_tracepoint(struct tracepoint *tp, void *data)
{
	for (int i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(tp->name, probes[i].name))
			probes[i].tp = tp;
}

static void unregister_probes(int count)
{
	while (count--)
		tracepoint_probe_unregister(probes[count].tp, probes[count].probe, NULL);
	tracepoint_synchronize_unregister();
}

static int register_probes(void)
{
	check_trace_callback_type_kmalloc(probe_kmalloc);
	check_trace_callback_type_kfree(probe_kfree);
	check_trace_callback_type_kmem_cache_alloc(probe_kmem_cache_alloc);
	check_trace_callback_type_kmem_cache_free(probe_kmem_cache_free);
	check_trace_callback_type_mm_page_alloc(probe_mm_page_alloc);
	check_trace_callback_type_mm_page_free(probe_mm_page_free);
	check_trace_callback_type_mm_page_free(see_page_free);
	check_trace_callback_type_kmalloc(see_kmalloc);
	check_trace_callback_type_kmem_cache_alloc(see_kmem_cache_alloc);
	check_trace_callback_type_percpu_alloc_percpu(probe_percpu_alloc_percpu);
	check_trace_callback_type_dma_alloc(probe_dma_alloc);
	check_trace_callback_type_dma_free(probe_dma_free);
	check_trace_callback_type_dma_map_phys(probe_dma_map_phys);
	check_trace_callback_type_dma_unmap_phys(probe_dma_unmap_phys);
	check_trace_callback_type_dma_map_sg(probe_dma_map_sg);
	check_trace_callback_type_dma_unmap_sg(probe_dma_unmap_sg);
	check_trace_callback_type_dma_sync_single_for_cpu(probe_dma_sync_single_for_cpu);
	check_trace_callback_type_dma_sync_sg_for_cpu(probe_dma_sync_sg_for_cpu);
	for_each_kernel_tracepoint(find_tracepoint, NULL);
	for (int i = 0; i < ARRAY_SIZE(probes); i++) {
		int err = probes[i].tp ? tracepoint_probe_register(probes[i].tp, probes[i].probe, NULL) : -ENOENT;

		if (err) {
			pr_err("testlib: tracepoint %s: error %d\n", probes[i].name, err);
			unregister_probes(i);
			return err;
		}
	}
	return 0;
}

static int __init testlib_init(void)
{
	int err = register_probes();

	if (err)
		return err;
	err = register_module_notifier(&module_notifier);
	if (err) {
		unregister_probes(ARRAY_SIZE(probes));
		return err;
	}
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK)) {
		/* It shows with the next allocation of kmalloc(), which is in no such cache itself. */
		WRITE_ONCE(learns, current);
		kfree(kmalloc(8, GFP_KERNEL));
		WRITE_ONCE(learns, NULL);
	}
	return 0;
}

static void __exit testlib_exit(void)
{
	flush_delayed_work(&close_file_work);
	unregister_module_notifier(&module_notifier);
	unregister_probes(ARRAY_SIZE(probes));
}

module_init(testlib_init);
module_exit(testlib_exit);
MODULE_DESCRIPTION("What kalloc's tests ask of the kernel");
MODULE_LICENSE("GPL");
