// SPDX-License-Identifier: GPL-2.0

#include <linux/irqflags.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

/* Where C's macro does more than call the allocator (allocation profiling, partitioned caches), Rust calls these. */
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

void *kalloc_helper_kvrealloc_node_align(const void *p, size_t size, unsigned long align, gfp_t flags, int node)
{
	return kvrealloc_node_align(p, size, align, flags, node);
}

void *kalloc_helper_kmalloc_nolock(size_t size, gfp_t flags, int node)
{
	return kmalloc_nolock(size, flags, node);
}

/* kfree_rcu() in every context: the owner of the memory does not know where it is dropped. */
void kalloc_helper_kvfree_rcu(struct kvfree_rcu_head *head, void *ptr)
{
	if (unlikely(in_nmi()))
		kfree_call_rcu_nolock(head, ptr);
	else
		kvfree_call_rcu(head, ptr);
}

/* kmem_cache_destroy() sleeps. For where that is not allowed: a place that is made with the cache, and one work item. */
struct kalloc_grave {
	struct llist_node node;
	struct kmem_cache *cache;
};

static LLIST_HEAD(kalloc_graves);

/* Held while caches are destroyed: who has held it too knows that those before him are gone. */
static DEFINE_MUTEX(kalloc_burying);

static void kalloc_bury(struct work_struct *work)
{
	struct kalloc_grave *grave, *next;
	struct llist_node *graves;

	mutex_lock(&kalloc_burying);
	graves = llist_del_all(&kalloc_graves);
#ifdef CONFIG_PREEMPT_RT
	kalloc_helper_rt_free_dead();
#endif
	llist_for_each_entry_safe(grave, next, graves, node) {
		kmem_cache_destroy(grave->cache);
		kfree(grave);
	}
	mutex_unlock(&kalloc_burying);
}

static DECLARE_WORK(kalloc_burial, kalloc_bury);

void *kalloc_helper_grave(void)
{
	return kmalloc(sizeof(struct kalloc_grave), GFP_KERNEL);
}

void kalloc_helper_kmem_cache_destroy_later(void *place, struct kmem_cache *cache)
{
	struct kalloc_grave *grave = place;

	grave->cache = cache;
	llist_add(&grave->node, &kalloc_graves);
	schedule_work(&kalloc_burial);
}

/*
 * flush_work() is not for a task that frees memory (PF_MEMALLOC), nor for an item of a queue with WQ_MEM_RECLAIM: the work
 * may have to wait for memory before it begins. So what has not begun is done here. A cache that is dropped while the work
 * is being cancelled, and does not queue it, is in the list by then.
 */
void kalloc_helper_kmem_cache_destroy_flush(void)
{
	cancel_work_sync(&kalloc_burial);
	kalloc_bury(&kalloc_burial);
}

static noinline void free_one_by_one(struct kmem_cache *cache, size_t nr, void **objects)
{
	for (size_t i = 0; i < nr; i++)
		kmem_cache_free(cache, objects[i]);
}

/* The bulk functions want interrupts on, and a drop does not know. */
void kalloc_helper_kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **objects)
{
#ifdef CONFIG_PREEMPT_RT
	if (!kalloc_helper_rt_may_free()) {
		for (size_t i = 0; i < nr; i++)
			kalloc_helper_rt_kmem_cache_free(cache, objects[i], 0);
		return;
	}
#endif
	DROP_BEGIN();
	if (unlikely(irqs_disabled()))
		free_one_by_one(cache, nr, objects);
	else
		kmem_cache_free_bulk(cache, nr, objects);
	DROP_END();
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

bool kalloc_helper_kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t flags, size_t nr, void **objects)
{
	return kmem_cache_alloc_bulk(cache, flags, nr, objects);
}
#endif
