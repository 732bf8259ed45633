// SPDX-License-Identifier: GPL-2.0
/* Watches the freeing of memory, in every context. */

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/tracepoint.h>
#include <trace/events/kmem.h>

#include "../testlib.h"
#include "internal.h"

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

/* The watched memory may follow a head in the object. */
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

/* Kprobes, since some of these functions have no tracepoint. */
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

struct testlib_probe testlib_watch_probes[] = {
	PROBE(mm_page_free, see_page_free),
	{}
};
