// SPDX-License-Identifier: GPL-2.0

#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/preempt.h>

/* What is written into pages that wait to be freed. */
struct nolock_pages {
	struct llist_node node;
	unsigned int order;
};

static LLIST_HEAD(nolock_pages);

static void free_nolock_pages(struct irq_work *work)
{
	struct nolock_pages *pages, *next;

	llist_for_each_entry_safe(pages, next, llist_del_all(&nolock_pages), node)
		__free_pages(virt_to_page(pages), pages->order);
}

/* On PREEMPT_RT it runs in a thread. */
static DEFINE_IRQ_WORK(nolock_pages_work, free_nolock_pages);

void *kalloc_helper_alloc_pages_nolock(gfp_t gfp, int node, unsigned int order)
{
	struct page *page = alloc_pages_nolock(gfp, node, order);

	return page ? page_address(page) : NULL;
}

/* free_pages_nolock() is not exported, and __free_pages() is not for every context. */
void kalloc_helper_free_pages_nolock(void *addr, unsigned int order)
{
	struct nolock_pages *pages = addr;

	if (likely(!in_nmi() && !(IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()))) {
		__free_pages(virt_to_page(addr), order);
		return;
	}
	pages->order = order;
	if (llist_add(&pages->node, &nolock_pages))
		irq_work_queue(&nolock_pages_work);
}

void kalloc_helper_free_pages_nolock_sync(void)
{
	irq_work_sync(&nolock_pages_work);
}

void kalloc_helper_init_irq_work(struct irq_work *work, void (*fn)(struct irq_work *work), bool hard)
{
	*work = hard ? IRQ_WORK_INIT_HARD(fn) : IRQ_WORK_INIT(fn);
}
