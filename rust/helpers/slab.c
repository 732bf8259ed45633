// SPDX-License-Identifier: GPL-2.0

#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "helpers.h"

/*
 * With allocation profiling or partitioned caches C's macros do more than call the allocator, and
 * Rust calls these.
 */
void *kalloc_helper_kmalloc(size_t size, gfp_t flags)
{
	return kmalloc(size, flags);
}

void *kalloc_helper_kmalloc_node(size_t size, gfp_t flags, int node)
{
	return kmalloc_node(size, flags, node);
}

void *kalloc_helper_krealloc_node(const void *p, size_t size, gfp_t flags, int node)
{
	return krealloc_node(p, size, flags, node);
}

void *kalloc_helper_kvmalloc_node_align(size_t size, unsigned long align, gfp_t flags, int node)
{
	return kvmalloc_node_align(size, align, flags, node);
}

void *kalloc_helper_kvrealloc_node_align(const void *p, size_t size, unsigned long align,
					 gfp_t flags, int node)
{
	return kvrealloc_node_align(p, size, align, flags, node);
}

void *kalloc_helper_kmalloc_nolock(size_t size, gfp_t flags, int node)
{
	return kmalloc_nolock(size, flags, node);
}

/**
 * kalloc_helper_kvfree_rcu() - Free memory after a grace period.
 * @head: the head, inside of the memory
 * @ptr: the memory, of kmalloc() or vmalloc()
 *
 * Context: Any context, NMI included, since a drop runs anywhere.
 */
void kalloc_helper_kvfree_rcu(struct kvfree_rcu_head *head, void *ptr)
{
	if (unlikely(in_nmi()))
		kfree_call_rcu_nolock(head, ptr);
	else
		kvfree_call_rcu(head, ptr);
}

#ifdef CONFIG_MEM_ALLOC_PROFILING
void *kalloc_helper_kmem_cache_alloc(struct kmem_cache *cache, gfp_t flags)
{
	return kmem_cache_alloc(cache, flags);
}

void *kalloc_helper_kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t flags, int node)
{
	return kmem_cache_alloc_node(cache, flags, node);
}

bool kalloc_helper_kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t flags, size_t nr,
					 void **objects)
{
	return kmem_cache_alloc_bulk(cache, flags, nr, objects);
}
#endif
