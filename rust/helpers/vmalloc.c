// SPDX-License-Identifier: GPL-2.0

#include <linux/vmalloc.h>

#include "helpers.h"

/* With allocation profiling C's macros do more than call the allocator, and Rust calls these. */
void *kalloc_helper_vmalloc(unsigned long size)
{
	return vmalloc(size);
}

void *kalloc_helper_vzalloc(unsigned long size)
{
	return vzalloc(size);
}

void *kalloc_helper___vmalloc(unsigned long size, gfp_t flags)
{
	return __vmalloc(size, flags);
}

void *kalloc_helper_vmalloc_node(unsigned long size, int node)
{
	return vmalloc_node(size, node);
}

void *kalloc_helper_vzalloc_node(unsigned long size, int node)
{
	return vzalloc_node(size, node);
}

void *kalloc_helper_vrealloc_node_align(const void *p, size_t size, unsigned long align,
					gfp_t flags, int node)
{
	return vrealloc_node_align(p, size, align, flags, node);
}
