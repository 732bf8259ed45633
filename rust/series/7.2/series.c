// SPDX-License-Identifier: GPL-2.0
/* kfree_rcu_nolock() exists since 7.3, and kvfree_call_rcu() takes locks, so an NMI cannot call it. */

#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>

static LLIST_HEAD(nmi_frees);

static void pass_nmi_frees(struct irq_work *work)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, llist_del_all(&nmi_frees)) {
		struct rcu_head *head = (struct rcu_head *)node;

		kvfree_call_rcu(head, (void *)head->func);
	}
}

static DEFINE_IRQ_WORK(nmi_frees_work, pass_nmi_frees);

/*
 * Queues @ptr, whose @head has room for a node and the pointer. The grace period begins when the
 * irq_work passes it on, which is later than the call and so late enough. Memory ordering: as that of
 * defer_free().
 */
static void kfree_call_rcu_nolock(struct rcu_head *head, void *ptr)
{
	BUILD_BUG_ON(sizeof(*head) < sizeof(struct llist_node) + sizeof(ptr));
	head->func = ptr;
	if (llist_add((struct llist_node *)head, &nmi_frees))
		irq_work_queue(&nmi_frees_work);
}

/* Context: Process context. The caller guarantees that nothing is freed any more. */
static void kalloc_series_exit(void)
{
	kalloc_helper_irq_work_sync(&nmi_frees_work);
}
