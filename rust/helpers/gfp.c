// SPDX-License-Identifier: GPL-2.0

#include <linux/gfp.h>
#include <linux/mm.h>

#include "helpers.h"

unsigned long kalloc_helper_alloc_pages_bulk_node(gfp_t gfp, int nid, unsigned long nr_pages,
						  struct page **page_array)
{
	return alloc_pages_bulk_node(gfp, nid, nr_pages, page_array);
}

void *kalloc_helper_alloc_pages_nolock(gfp_t gfp, int node, unsigned int order)
{
	struct page *page = alloc_pages_nolock(gfp, node, order);

	return page ? page_address(page) : NULL;
}

/* With allocation profiling C's macros do more than call the allocator, and Rust calls these. */
struct page *kalloc_helper_alloc_pages(gfp_t gfp, unsigned int order)
{
	return alloc_pages(gfp, order);
}

struct page *kalloc_helper_alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return alloc_pages_node(nid, gfp, order);
}

unsigned long kalloc_helper_get_free_pages(gfp_t gfp, unsigned int order)
{
	return __get_free_pages(gfp, order);
}

void *kalloc_helper_alloc_pages_exact(size_t size, gfp_t gfp)
{
	return alloc_pages_exact(size, gfp);
}
