// SPDX-License-Identifier: GPL-2.0
/* What the current thread asks of the allocators: memory, pages, per-CPU memory, local mappings. */

#include <linux/highmem.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <trace/events/kmem.h>
#include <trace/events/percpu.h>

#include "../testlib.h"
#include "internal.h"
#include "recorder.h"

THREAD_RECORDER(kmem, struct testlib_event, 256);

static void probe_kmalloc(void *data, unsigned long call_site, const void *ptr, size_t size, size_t bytes_alloc,
			  gfp_t gfp, int node)
{
	record_kmem_here((struct testlib_event){ .ptr = ptr, .size = size, .gfp = gfp, .node = node });
}

static void probe_kfree(void *data, unsigned long call_site, const void *ptr)
{
	record_kmem_here((struct testlib_event){ .ptr = ptr, .is_free = true });
}

/* The cache in which kmemleak remembers allocations, which are not the thread's own. */
static struct kmem_cache *kmemleak_cache;
static struct task_struct *learns;

static void probe_kmem_cache_alloc(void *data, unsigned long call_site, const void *ptr, struct kmem_cache *cache,
				   gfp_t gfp, int node)
{
	if (READ_ONCE(learns) == current && in_task())
		kmemleak_cache = cache;
	if (cache == kmemleak_cache)
		return;
	record_kmem_here((struct testlib_event){ .ptr = ptr, .gfp = gfp, .node = node });
}

static void probe_kmem_cache_free(void *data, unsigned long call_site, const void *ptr, const struct kmem_cache *cache)
{
	record_kmem_here((struct testlib_event){ .ptr = ptr, .is_free = true });
}

void testlib_learn_kmemleak(void)
{
	if (!IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		return;
	/* It shows with the next allocation of kmalloc(), which is in no such cache itself. */
	WRITE_ONCE(learns, current);
	kfree(kmalloc(8, GFP_KERNEL));
	WRITE_ONCE(learns, NULL);
}

THREAD_RECORDER(page, struct testlib_page_event, 256);

static void probe_mm_page_alloc(void *data, struct page *page, unsigned int order, gfp_t gfp, int migratetype)
{
	record_page_here((struct testlib_page_event){ .pfn = page ? page_to_pfn(page) : 0, .order = order, .gfp = gfp });
}

static void probe_mm_page_free(void *data, struct page *page, unsigned int order)
{
	record_page_here((struct testlib_page_event){ .pfn = page_to_pfn(page), .order = order, .is_free = true });
}

THREAD_RECORDER(percpu, struct testlib_percpu_event, 1);

static void probe_percpu_alloc_percpu(void *data, unsigned long call_site, bool reserved, bool is_atomic, size_t size,
				      size_t align, void *base_addr, int off, void __percpu *ptr, size_t bytes_alloc,
				      gfp_t gfp)
{
	record_percpu_here((struct testlib_percpu_event){ .size = size, .align = align, .gfp = gfp });
}

RECORDER(map, struct testlib_map_event, 256);

static void record_map_of_thread(struct testlib_map_event event)
{
	/* A breakpoint counts as an NMI, so the interrupt level says nothing here. */
	if (recorder_is_of(&map_recorder, current))
		record_map(event);
}

static int probe_map(struct kprobe *p, struct pt_regs *regs)
{
	record_map_of_thread((struct testlib_map_event){
		.pfn = page_to_pfn((struct page *)regs_get_kernel_argument(regs, 0)),
	});
	return 0;
}

static int probe_unmap(struct kprobe *p, struct pt_regs *regs)
{
	record_map_of_thread((struct testlib_map_event){
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
	recorder_start(&map_recorder, current);
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_map_trace_start);

size_t testlib_map_trace_stop(void)
{
	unregister_kprobe(&unmap_probe);
	unregister_kprobe(&map_probe);
	/* Fit to be registered again. */
	map_probe.addr = NULL;
	map_probe.flags = 0;
	unmap_probe.addr = NULL;
	unmap_probe.flags = 0;
	return recorder_stop(&map_recorder);
}
EXPORT_SYMBOL_GPL(testlib_map_trace_stop);

struct testlib_probe testlib_trace_probes[] = {
	PROBE(kmalloc, probe_kmalloc),
	PROBE(kfree, probe_kfree),
	PROBE(kmem_cache_alloc, probe_kmem_cache_alloc),
	PROBE(kmem_cache_free, probe_kmem_cache_free),
	PROBE(mm_page_alloc, probe_mm_page_alloc),
	PROBE(mm_page_free, probe_mm_page_free),
	PROBE(percpu_alloc_percpu, probe_percpu_alloc_percpu),
	{}
};
