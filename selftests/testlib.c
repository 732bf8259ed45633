// SPDX-License-Identifier: GPL-2.0
/* What the tests ask of the kernel that no driver needs. */

#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>
#include <trace/events/kmem.h>

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

static void probe_page_alloc(void *data, struct page *page, unsigned int order, gfp_t gfp, int migratetype)
{
	record_page((struct testlib_page_event){ .pfn = page ? page_to_pfn(page) : 0, .order = order, .gfp = gfp });
}

static void probe_page_free(void *data, struct page *page, unsigned int order)
{
	record_page((struct testlib_page_event){ .pfn = page_to_pfn(page), .order = order, .is_free = true });
}

/* The kernel does not export these tracepoints, but lists them. */
static struct tracepoint *tp_page_alloc, *tp_page_free;

static void find_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "mm_page_alloc"))
		tp_page_alloc = tp;
	if (!strcmp(tp->name, "mm_page_free"))
		tp_page_free = tp;
}

int testlib_page_trace_start(void)
{
	int err;

	for_each_kernel_tracepoint(find_tracepoint, NULL);
	if (!tp_page_alloc || !tp_page_free)
		return -ENOENT;
	check_trace_callback_type_mm_page_alloc(probe_page_alloc);
	check_trace_callback_type_mm_page_free(probe_page_free);
	err = tracepoint_probe_register(tp_page_alloc, probe_page_alloc, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(tp_page_free, probe_page_free, NULL);
	if (err) {
		tracepoint_probe_unregister(tp_page_alloc, probe_page_alloc, NULL);
		return err;
	}
	nr_page_events = 0;
	WRITE_ONCE(page_traced, current);
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_page_trace_start);

size_t testlib_page_trace_stop(void)
{
	WRITE_ONCE(page_traced, NULL);
	tracepoint_probe_unregister(tp_page_free, probe_page_free, NULL);
	tracepoint_probe_unregister(tp_page_alloc, probe_page_alloc, NULL);
	tracepoint_synchronize_unregister();
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

struct call {
	struct irq_work work;
	struct tasklet_struct tasklet;
	struct completion done;
	void (*f)(void *data);
	void *data;
};

static void call_in_hardirq(struct irq_work *work)
{
	struct call *call = container_of(work, struct call, work);

	call->f(call->data);
	complete(&call->done);
}

void testlib_in_hardirq(void (*f)(void *data), void *data)
{
	struct call call = { .f = f, .data = data, .work = IRQ_WORK_INIT_HARD(call_in_hardirq) };

	init_completion(&call.done);
	irq_work_queue(&call.work);
	wait_for_completion(&call.done);
	irq_work_sync(&call.work);
}
EXPORT_SYMBOL_GPL(testlib_in_hardirq);

static void call_in_softirq(struct tasklet_struct *tasklet)
{
	struct call *call = container_of(tasklet, struct call, tasklet);

	call->f(call->data);
	complete(&call->done);
}

void testlib_in_softirq(void (*f)(void *data), void *data)
{
	struct call call = { .f = f, .data = data };

	init_completion(&call.done);
	tasklet_setup(&call.tasklet, call_in_softirq);
	tasklet_schedule(&call.tasklet);
	wait_for_completion(&call.done);
	tasklet_kill(&call.tasklet);
}
EXPORT_SYMBOL_GPL(testlib_in_softirq);

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

void testlib_local_bh_disable(void)
{
	local_bh_disable();
}
EXPORT_SYMBOL_GPL(testlib_local_bh_disable);

void testlib_local_bh_enable(void)
{
	local_bh_enable();
}
EXPORT_SYMBOL_GPL(testlib_local_bh_enable);

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

MODULE_DESCRIPTION("What kalloc's tests ask of the kernel");
MODULE_LICENSE("GPL");
