// SPDX-License-Identifier: GPL-2.0

#include <linux/cpumask.h>
#include <linux/llist.h>
#include <linux/objpool.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "helpers.h"

/*
 * An NMI that comes between the two halves of a push on its own CPU (the place in the ring is taken, and not filled)
 * must not push there: that would publish the place with what it held before, an object that has another owner. What
 * an NMI handler gives back goes onto a list of its own, from which pop takes when the rings are empty. Every object
 * begins with the node for it.
 */
void kalloc_helper_objpool_push(void *obj, struct objpool_head *pool, struct llist_head *from_nmi)
{
	if (unlikely(in_nmi()))
		llist_add(obj, from_nmi);
	else
		objpool_push(obj, pool);
}

static noinline void *objpool_pop_from_nmi(struct objpool_head *pool, struct llist_head *from_nmi)
{
	struct llist_node *first = llist_del_all(from_nmi);
	struct llist_node *node, *next;

	if (!first)
		return NULL;
	llist_for_each_safe(node, next, first->next)
		kalloc_helper_objpool_push(node, pool, from_nmi);
	return first;
}

void *kalloc_helper_objpool_pop(struct objpool_head *pool, struct llist_head *from_nmi)
{
	void *obj = objpool_pop(pool);

	if (likely(obj) || llist_empty(from_nmi))
		return obj;
	return objpool_pop_from_nmi(pool, from_nmi);
}

/* The bytes of the largest slot, which objpool_init() computes in an int that may wrap. */
u64 kalloc_helper_objpool_slot_size(u64 nr_objs, u64 object_size)
{
	return sizeof(struct objpool_slot) + roundup_pow_of_two(nr_objs) * sizeof(void *) +
	       DIV_ROUND_UP_ULL(nr_objs, num_possible_cpus()) * ALIGN(object_size, sizeof(long));
}

/*
 * Makes the array of slots large enough for the head by which it is freed later. It has a pointer for each CPU, and the head
 * is an rcu_head, of two, on a kernel without CONFIG_KVFREE_RCU_BATCHED.
 */
int kalloc_helper_objpool_make_room(struct objpool_head *pool, gfp_t gfp)
{
	void *slots = pool->cpu_slots;

	if (nr_cpu_ids * sizeof(*pool->cpu_slots) < sizeof(struct kvfree_rcu_head))
		slots = krealloc(slots, sizeof(struct kvfree_rcu_head), gfp);
	if (!slots)
		return -ENOMEM;
	pool->cpu_slots = slots;
	return 0;
}

/* objpool_free(), in every context: after a grace period, which nobody needs, and in process context. */
void kalloc_helper_objpool_free_later(struct objpool_head *pool)
{
	for (int cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (pool->cpu_slots[cpu])
			kalloc_helper_kvfree_rcu((struct kvfree_rcu_head *)pool->cpu_slots[cpu],
						 pool->cpu_slots[cpu]);
	}
	kalloc_helper_kvfree_rcu((struct kvfree_rcu_head *)pool->cpu_slots, pool->cpu_slots);
}
