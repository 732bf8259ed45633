// SPDX-License-Identifier: GPL-2.0

#include <linux/mempool.h>

#ifdef CONFIG_MEM_ALLOC_PROFILING
/* C's macros do more than call the allocator there. */
mempool_t *kalloc_helper_mempool_create_node(int min_nr, mempool_alloc_t *alloc, mempool_free_t *free, void *data,
					     gfp_t flags, int node)
{
	return mempool_create_node(min_nr, alloc, free, data, flags, node);
}

void *kalloc_helper_mempool_alloc(mempool_t *pool, gfp_t flags)
{
	return mempool_alloc(pool, flags);
}

int kalloc_helper_mempool_alloc_bulk(mempool_t *pool, void **elements, unsigned int count)
{
	return mempool_alloc_bulk(pool, elements, count);
}
#endif
