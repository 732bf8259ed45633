// SPDX-License-Identifier: GPL-2.0

#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mempool.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "helpers.h"

/*
 * What is dropped where PREEMPT_RT cannot free waits there, and is freed at once on other kernels. Lockdep, which sees to
 * it on every kernel that locks nest as PREEMPT_RT needs, is told that such a free is never made on PREEMPT_RT.
 */
#if defined(CONFIG_PROVE_RAW_LOCK_NESTING) && !defined(CONFIG_PREEMPT_RT)
static DEFINE_WAIT_OVERRIDE_MAP(kalloc_drop_map, LD_WAIT_CONFIG);
#define DROP_BEGIN() lock_map_acquire_try(&kalloc_drop_map)
#define DROP_END() lock_map_release(&kalloc_drop_map)

#define KALLOC_DROP(name, parameters, ...)		\
	void kalloc_helper_drop_##name parameters	\
	{						\
		DROP_BEGIN();				\
		name(__VA_ARGS__);			\
		DROP_END();				\
	}
KALLOC_DROP(__free_pages, (struct page *page, unsigned int order), page, order)
KALLOC_DROP(free_pages, (unsigned long addr, unsigned int order), addr, order)
KALLOC_DROP(free_pages_exact, (void *memory, size_t size), memory, size)
KALLOC_DROP(free_percpu, (void *ptr), (void __percpu *)(__force unsigned long)ptr)
KALLOC_DROP(kfree, (void *ptr), ptr)
KALLOC_DROP(kfree_sensitive, (void *ptr), ptr)
KALLOC_DROP(kmem_cache_free, (struct kmem_cache *cache, void *object), cache, object)
KALLOC_DROP(kvfree_atomic, (void *ptr), ptr)
KALLOC_DROP(mempool_free, (void *element, mempool_t *pool), element, pool)

unsigned int kalloc_helper_drop_mempool_free_bulk(mempool_t *pool, void **elements, unsigned int count)
{
	unsigned int kept;

	DROP_BEGIN();
	kept = mempool_free_bulk(pool, elements, count);
	DROP_END();
	return kept;
}
#else
#define DROP_BEGIN() do { } while (0)
#define DROP_END() do { } while (0)
#endif
