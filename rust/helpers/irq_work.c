// SPDX-License-Identifier: GPL-2.0

#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/kasan.h>
#include <linux/llist.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

/* irq_work_sync() of an object on PREEMPT_RT is for one caller at a time: another would wait for ever. */
static void sync_alone(struct irq_work *work)
{
	static DEFINE_MUTEX(mutex);

	mutex_lock(&mutex);
	irq_work_sync(work);
	mutex_unlock(&mutex);
}

/*
 * An object that runs on two CPUs at once is idle for irq_work_sync() when the first is through. The other is on the RCU
 * read side, and may have queued it once more.
 */
void kalloc_helper_irq_work_sync(struct irq_work *work)
{
	sync_alone(work);
	synchronize_rcu();
	sync_alone(work);
}

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
		DROP_BEGIN();
		__free_pages(virt_to_page(addr), order);
		DROP_END();
		return;
	}
	pages->order = order;
	if (llist_add(&pages->node, &nolock_pages))
		irq_work_queue(&nolock_pages_work);
}

void kalloc_helper_free_pages_nolock_sync(void)
{
	sync_alone(&nolock_pages_work);
}

void kalloc_helper_init_irq_work(struct irq_work *work, void (*fn)(struct irq_work *work), bool hard)
{
	*work = hard ? IRQ_WORK_INIT_HARD(fn) : IRQ_WORK_INIT(fn);
}

#ifdef CONFIG_PREEMPT_RT
/*
 * With interrupts or preemption disabled nothing can be freed on PREEMPT_RT, and a drop does not know where it is. What
 * is dropped there waits in a list whose nodes are the dead memory itself, for a thread to free it.
 */
struct kalloc_corpse {
	struct llist_node node;
	/* The slab object that this is in, or the element of a pool; and where it belongs. */
	void *object;
	void *owner;
};

/* Memory of kmalloc may have no room for more than a node. */
static LLIST_HEAD(dead_kmalloc);
static LLIST_HEAD(dead_objects);
static LLIST_HEAD(dead_elements);
static LLIST_HEAD(dead_pages);
static LLIST_HEAD(dead_percpu);
/* Held while the dead are freed: who has held it too knows that those before him are gone. It sleeps. */
static DEFINE_SPINLOCK(dead_lock);

/* The per-CPU memory is found again through that of one CPU. */
static unsigned long percpu_offset(void)
{
	return per_cpu_offset(cpumask_first(cpu_possible_mask));
}

void kalloc_helper_rt_free_dead(void)
{
	struct kalloc_corpse *corpse, *next_corpse;
	struct llist_node *node, *next;
	struct page *page, *next_page;

	spin_lock(&dead_lock);
	llist_for_each_safe(node, next, llist_del_all(&dead_kmalloc))
		kfree(node);
	llist_for_each_entry_safe(corpse, next_corpse, llist_del_all(&dead_elements), node)
		mempool_free(corpse->object, corpse->owner);
	llist_for_each_entry_safe(corpse, next_corpse, llist_del_all(&dead_objects), node)
		kmem_cache_free(corpse->owner, corpse->object);
	llist_for_each_entry_safe(page, next_page, llist_del_all(&dead_pages), pcp_llist) {
		unsigned int order = page_private(page);

		set_page_private(page, 0);
		__free_pages(page, order);
	}
	llist_for_each_safe(node, next, llist_del_all(&dead_percpu))
		free_percpu((void __percpu *)(__force unsigned long)((unsigned long)node - percpu_offset()));
	spin_unlock(&dead_lock);
}

static void free_dead(struct irq_work *work)
{
	kalloc_helper_rt_free_dead();
}

/* It runs in a thread. */
static DEFINE_IRQ_WORK(dead_work, free_dead);

static void bury(struct llist_node *node, struct llist_head *list)
{
	if (llist_add(node, list))
		irq_work_queue(&dead_work);
}

bool kalloc_helper_rt_may_free(void)
{
	return likely(preemptible());
}

/*
 * kalloc asks for no less than a node. A box that comes from the kernel crate may be smaller: the memory behind it is its
 * own, since kmalloc has nothing smaller than a node, but slab_debug looks at that when it is freed. ksize() says that
 * all of it is in use. KASAN and KFENCE do not hear of it, and may complain of such a box.
 */
static void bury_kmalloc(void *ptr)
{
	BUILD_BUG_ON(KMALLOC_MIN_SIZE < sizeof(struct llist_node));
	ksize(ptr);
	bury(ptr, &dead_kmalloc);
}

void kalloc_helper_rt_kfree(void *ptr)
{
	if (kalloc_helper_rt_may_free())
		kfree(ptr);
	else if (!ZERO_OR_NULL_PTR(ptr))
		bury_kmalloc(ptr);
}

void kalloc_helper_rt_kfree_sensitive(void *ptr)
{
	if (kalloc_helper_rt_may_free()) {
		kfree_sensitive(ptr);
	} else if (!ZERO_OR_NULL_PTR(ptr)) {
		/* More than was asked for. kfree_sensitive() tells KASAN by a function that is not exported. */
		kasan_disable_current();
		memzero_explicit(ptr, ksize(ptr));
		kasan_enable_current();
		bury_kmalloc(ptr);
	}
}

void kalloc_helper_rt_kvfree(void *ptr)
{
	if (is_vmalloc_addr(ptr))
		kvfree_atomic(ptr);
	else
		kalloc_helper_rt_kfree(ptr);
}

/* `offset` is that of a place in the object that nobody looks at when it is dead. */
void kalloc_helper_rt_kmem_cache_free(struct kmem_cache *cache, void *object, size_t offset)
{
	struct kalloc_corpse *corpse = object + offset;

	if (kalloc_helper_rt_may_free()) {
		kmem_cache_free(cache, object);
		return;
	}
	corpse->object = object;
	corpse->owner = cache;
	bury(&corpse->node, &dead_objects);
}

/* `memory` is that of the element. */
void kalloc_helper_rt_mempool_free(void *element, mempool_t *pool, void *memory)
{
	struct kalloc_corpse *corpse = memory;

	if (kalloc_helper_rt_may_free()) {
		mempool_free(element, pool);
		return;
	}
	corpse->object = element;
	corpse->owner = pool;
	bury(&corpse->node, &dead_elements);
}

void kalloc_helper_rt___free_pages(struct page *page, unsigned int order)
{
	if (kalloc_helper_rt_may_free()) {
		__free_pages(page, order);
		return;
	}
	/* As free_pages_nolock() does. */
	set_page_private(page, order);
	bury(&page->pcp_llist, &dead_pages);
}

void kalloc_helper_rt_free_pages(unsigned long addr, unsigned int order)
{
	kalloc_helper_rt___free_pages(virt_to_page((void *)addr), order);
}

void kalloc_helper_rt_free_pages_exact(void *memory, size_t size)
{
	struct page *page = virt_to_page(memory);

	for (size_t i = 0; i < PAGE_ALIGN(size) >> PAGE_SHIFT; i++)
		kalloc_helper_rt___free_pages(page + i, 0);
}

/* It has room for a node on each CPU. */
void kalloc_helper_rt_free_percpu(void *ptr)
{
	if (kalloc_helper_rt_may_free())
		free_percpu((void __percpu *)(__force unsigned long)ptr);
	else
		bury((void *)((unsigned long)ptr + percpu_offset()), &dead_percpu);
}

void kalloc_helper_rt_free_dead_sync(void)
{
	sync_alone(&dead_work);
	kalloc_helper_rt_free_dead();
}
#endif
