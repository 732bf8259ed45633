// SPDX-License-Identifier: GPL-2.0
/* What the tests ask of the kernel that no driver needs. */

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>
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

static void probe_kmem_cache_alloc(void *data, unsigned long call_site, const void *ptr, struct kmem_cache *cache,
				   gfp_t gfp, int node)
{
	record((struct testlib_event){ .ptr = ptr, .gfp = gfp, .node = node });
}

static void probe_kmem_cache_free(void *data, unsigned long call_site, const void *ptr, const struct kmem_cache *cache)
{
	record((struct testlib_event){ .ptr = ptr, .is_free = true });
}

static void unregister_traces(void)
{
	unregister_trace_kmem_cache_free(probe_kmem_cache_free, NULL);
	unregister_trace_kmem_cache_alloc(probe_kmem_cache_alloc, NULL);
	unregister_trace_kfree(probe_kfree, NULL);
	unregister_trace_kmalloc(probe_kmalloc, NULL);
}

int testlib_trace_start(void)
{
	if (register_trace_kmalloc(probe_kmalloc, NULL) || register_trace_kfree(probe_kfree, NULL) ||
	    register_trace_kmem_cache_alloc(probe_kmem_cache_alloc, NULL) ||
	    register_trace_kmem_cache_free(probe_kmem_cache_free, NULL)) {
		/* Those that are not registered are not found. */
		unregister_traces();
		return -ENOMEM;
	}
	nr_events = 0;
	WRITE_ONCE(traced, current);
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_trace_start);

size_t testlib_trace_stop(void)
{
	WRITE_ONCE(traced, NULL);
	unregister_traces();
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

MODULE_DESCRIPTION("What kalloc's tests ask of the kernel");
MODULE_LICENSE("GPL");
