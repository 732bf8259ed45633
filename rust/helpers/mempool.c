// SPDX-License-Identifier: GPL-2.0

#include <linux/mempool.h>
#include <linux/mutex.h>

#include "helpers.h"

/*
 * Serialises mempool_resize(). Of two concurrent calls one can grow a pool that the other has just
 * shrunk, and write elements beyond the array.
 */
static DEFINE_MUTEX(mempool_resizing);

int kalloc_helper_mempool_resize(mempool_t *pool, int min_nr)
{
	int err;

	mutex_lock(&mempool_resizing);
	err = mempool_resize(pool, min_nr);
	mutex_unlock(&mempool_resizing);
	return err;
}

#ifdef CONFIG_MEM_ALLOC_PROFILING
/* Here C's macros do more than call the allocator. */
mempool_t *kalloc_helper_mempool_create_node(int min_nr, mempool_alloc_t *alloc,
					     mempool_free_t *free, void *data, gfp_t flags,
					     int node)
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
