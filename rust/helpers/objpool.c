// SPDX-License-Identifier: GPL-2.0

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/llist.h>
#include <linux/objpool.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "helpers.h"

/**
 * kalloc_helper_objpool_push() - Return an object to its pool.
 * @obj: the object, which begins with a struct llist_node
 * @pool: the pool
 * @from_nmi: the objects that NMI handlers have returned
 *
 * objpool_push() reserves a slot of the CPU's ring and then fills it. An NMI can interrupt it in
 * between. A push by the NMI handler would publish the reserved slot with its old value, an object
 * that is in use. So objects returned in an NMI go to a list, from which
 * kalloc_helper_objpool_pop() takes when the rings are empty.
 *
 * Context: Any context, NMI included.
 */
void kalloc_helper_objpool_push(void *obj, struct objpool_head *pool, struct llist_head *from_nmi)
{
	if (unlikely(in_nmi()))
		llist_add(obj, from_nmi);
	else
		objpool_push(obj, pool);
}

/* llist_add() and llist_del_all() are fully ordered, so the contents of the objects are seen. */
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

/*
 * Takes the oldest object of a ring. Used instead of objpool_pop(), which loads `last` without acquire
 * semantics. A CPU that reorders loads may then load the entry before the push that `last` counts has
 * stored it, and return an object that has an owner. The contents of an object have the same race.
 *
 * The acquire of `head` pairs with the release of another pop, so `last` is not behind `head`. The
 * acquire of `last` pairs with the release in objpool_push(), which only the CPU of the ring does, so
 * each entry before `last` is stored. The release of `head` orders the load of the entry before it:
 * a later push to the same entry follows a pop that has moved `head` on, and the cmpxchg fails.
 */
static void *pop_from_ring(struct objpool_slot *slot)
{
	u32 head;
	void *obj;

	do {
		head = smp_load_acquire(&slot->head);
		if (head == smp_load_acquire(&slot->last))
			return NULL;
		obj = READ_ONCE(slot->entries[head & slot->mask]);
	} while (!try_cmpxchg_release(&slot->head, &head, head + 1));
	return obj;
}

/*
 * Interrupts are disabled so that a pop is short: `head` must not wrap around between its load and the
 * cmpxchg.
 */
static void *pop_from_rings(struct objpool_head *pool)
{
	void *obj = NULL;
	unsigned long flags;
	int first, cpu;

	raw_local_irq_save(flags);
	first = raw_smp_processor_id();
	for_each_possible_cpu_wrap(cpu, first) {
		obj = pop_from_ring(pool->cpu_slots[cpu]);
		if (obj)
			break;
	}
	raw_local_irq_restore(flags);
	return obj;
}

void *kalloc_helper_objpool_pop(struct objpool_head *pool, struct llist_head *from_nmi)
{
	void *obj = pop_from_rings(pool);

	if (likely(obj) || llist_empty(from_nmi))
		return obj;
	return objpool_pop_from_nmi(pool, from_nmi);
}

/* Returns the size of the largest slot. objpool_init() computes it in an int that may overflow. */
u64 kalloc_helper_objpool_slot_size(u64 nr_objs, u64 object_size)
{
	return sizeof(struct objpool_slot) + roundup_pow_of_two(nr_objs) * sizeof(void *) +
	       DIV_ROUND_UP_ULL(nr_objs, num_possible_cpus()) * ALIGN(object_size, sizeof(long));
}

/*
 * Makes the array of slots large enough for a struct kvfree_rcu_head, for
 * kalloc_helper_objpool_free_later(). The array has one pointer per CPU. Without
 * CONFIG_KVFREE_RCU_BATCHED the head is an rcu_head of two pointers.
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

/*
 * objpool_free() in every context. kvfree_rcu() defers the frees to process context. The grace
 * period is not needed.
 */
void kalloc_helper_objpool_free_later(struct objpool_head *pool)
{
	for (int cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (pool->cpu_slots[cpu])
			kalloc_helper_kvfree_rcu((struct kvfree_rcu_head *)pool->cpu_slots[cpu],
						 pool->cpu_slots[cpu]);
	}
	kalloc_helper_kvfree_rcu((struct kvfree_rcu_head *)pool->cpu_slots, pool->cpu_slots);
}
