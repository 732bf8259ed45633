// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred freeing. A drop takes no token, so it runs in every context. PREEMPT_RT cannot free
 * memory with interrupts or preemption disabled. __free_pages() is not NMI-safe. dma_free_attrs(),
 * dma_free_pages() and kmem_cache_destroy() may sleep. Where the context forbids the free, the
 * memory is queued, and is freed by an irq_work or a workqueue. The queue's node is in the memory
 * itself, so nothing is allocated.
 */

#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kasan.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
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
#include <linux/workqueue.h>

#include "helpers.h"

/* Lockdep -------------------------------------------------------------------------------------- */

/*
 * A drop in a context where PREEMPT_RT cannot free is deferred on PREEMPT_RT, and frees at once on
 * other kernels. CONFIG_PROVE_RAW_LOCK_NESTING checks on every kernel that locks nest as PREEMPT_RT
 * needs. The override map tells lockdep that PREEMPT_RT never makes this free.
 */
#if defined(CONFIG_PROVE_RAW_LOCK_NESTING) && !defined(CONFIG_PREEMPT_RT)
static DEFINE_WAIT_OVERRIDE_MAP(kalloc_drop_map, LD_WAIT_CONFIG);
#define DROP_BEGIN() lock_map_acquire_try(&kalloc_drop_map)
#define DROP_END() lock_map_release(&kalloc_drop_map)

/* Around drops of the kernel crate. */
void kalloc_helper_drop_begin(void)
{
	DROP_BEGIN();
}

void kalloc_helper_drop_end(void)
{
	DROP_END();
}

#define KALLOC_DROP(name, parameters, ...)		\
	void kalloc_helper_drop_##name parameters	\
	{						\
		DROP_BEGIN();				\
		name(__VA_ARGS__);			\
		DROP_END();				\
	}
KALLOC_DROP(__free_pages, (struct page *page, unsigned int order), page, order)
KALLOC_DROP(free_pages, (unsigned long addr, unsigned int order), addr, order)
KALLOC_DROP(free_pages_exact, (void *memory, size_t size), memory, size)
KALLOC_DROP(free_percpu, (void *ptr), PERCPU(void, ptr))
KALLOC_DROP(kfree, (void *ptr), ptr)
KALLOC_DROP(kfree_sensitive, (void *ptr), ptr)
KALLOC_DROP(kmem_cache_free, (struct kmem_cache *cache, void *object), cache, object)
KALLOC_DROP(kvfree_atomic, (void *ptr), ptr)
KALLOC_DROP(mempool_destroy, (mempool_t *pool), pool)
KALLOC_DROP(mempool_free, (void *element, mempool_t *pool), element, pool)

unsigned int kalloc_helper_drop_mempool_free_bulk(mempool_t *pool, void **elements,
						  unsigned int count)
{
	unsigned int kept;

	DROP_BEGIN();
	kept = mempool_free_bulk(pool, elements, count);
	DROP_END();
	return kept;
}
#else
#define DROP_BEGIN() do { } while (0)
#define DROP_END() do { } while (0)
#endif

/* Queues --------------------------------------------------------------------------------------- */

struct kalloc_deferred_queue {
	struct llist_head list;
	/* Frees the memory around the node. */
	void (*free)(struct llist_node *node);
	/* free() may sleep, so the queue is drained by the workqueue and not by the irq_work. */
	bool sleeps;
	/*
	 * Held while entries are taken from the list and freed. A task that takes the lock knows
	 * that each earlier entry is freed or still in the list. Queues that sleep use the mutex.
	 */
	spinlock_t lock;
	struct mutex mutex;
	struct work_struct work;
};

enum {
#ifdef CONFIG_PREEMPT_RT
	DEFERRED_ELEMENTS,
	DEFERRED_OBJECTS,
	DEFERRED_KMALLOC,
	DEFERRED_PAGES,
	DEFERRED_PERCPU,
#endif
	DEFERRED_NOLOCK_PAGES,
	DEFERRED_CACHES,
	DEFERRED_COHERENT,
	DEFERRED_DMA_PAGES,
	NR_DEFERRED_QUEUES
};

/* The table is at the end of the file. */
static struct kalloc_deferred_queue deferred_queues[NR_DEFERRED_QUEUES];

/* WQ_MEM_RECLAIM: reclaim may wait for this memory. */
static struct workqueue_struct *deferred_wq;

static void free_entries(struct kalloc_deferred_queue *queue)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, llist_del_all(&queue->list))
		queue->free(node);
}

/*
 * On return everything queued earlier has been freed, including the entries that another drain had
 * taken.
 */
static void drain(struct kalloc_deferred_queue *queue)
{
	unsigned long flags;

	if (queue->sleeps) {
		mutex_lock(&queue->mutex);
		free_entries(queue);
		mutex_unlock(&queue->mutex);
	} else {
		/* On PREEMPT_RT this is a sleeping lock and leaves interrupts enabled. */
		spin_lock_irqsave(&queue->lock, flags);
		free_entries(queue);
		spin_unlock_irqrestore(&queue->lock, flags);
	}
}

static void drain_in_worker(struct work_struct *work)
{
	drain(container_of(work, struct kalloc_deferred_queue, work));
}

/* Runs in hard interrupt context, on PREEMPT_RT in a thread. */
static void drain_in_irq_work(struct irq_work *work)
{
	struct kalloc_deferred_queue *queue;

	for (queue = deferred_queues; queue < deferred_queues + NR_DEFERRED_QUEUES; queue++) {
		if (llist_empty(&queue->list))
			continue;
		if (queue->sleeps)
			queue_work(deferred_wq, &queue->work);
		else
			drain(queue);
	}
}

static DEFINE_IRQ_WORK(deferred_irq_work, drain_in_irq_work);

/*
 * Safe in every context, NMI included.
 *
 * Memory ordering: llist_add() and llist_del_all() are fully ordered, so a drain sees what was written
 * to an entry before it was queued. Only the first entry of a list queues the irq_work. If the
 * irq_work is pending, irq_work_queue() does nothing. Its atomic_fetch_or() pairs with the smp_mb()
 * that irq_work_single() has after clearing PENDING, so the drain that follows sees the entry.
 * queue_work() has the same order.
 */
static void defer_free(unsigned int kind, struct llist_node *node)
{
	if (llist_add(node, &deferred_queues[kind].list))
		irq_work_queue(&deferred_irq_work);
}

int kalloc_helper_deferred_create(void)
{
	deferred_wq = alloc_workqueue("kalloc_free", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return deferred_wq ? 0 : -ENOMEM;
}

/**
 * kalloc_helper_deferred_destroy() - Drain all queues when kalloc is unloaded.
 *
 * Context: Process context. The caller guarantees that nothing is queued any more.
 */
void kalloc_helper_deferred_destroy(void)
{
	struct kalloc_deferred_queue *queue;

	kalloc_series_exit();
	kalloc_helper_irq_work_sync(&deferred_irq_work);
	for (queue = deferred_queues; queue < deferred_queues + NR_DEFERRED_QUEUES; queue++)
		drain(queue);
	destroy_workqueue(deferred_wq);
}

/* Pages of alloc_pages_nolock() ---------------------------------------------------------------- */

struct kalloc_deferred_pages {
	struct llist_node node;
	unsigned int order;
};

static void free_nolock_pages(struct llist_node *node)
{
	struct kalloc_deferred_pages *pages = container_of(node, struct kalloc_deferred_pages, node);

	__free_pages(virt_to_page(pages), pages->order);
}

/**
 * kalloc_helper_free_pages_nolock() - Free pages of alloc_pages_nolock().
 * @addr: address of the first page
 * @order: order of the allocation
 *
 * free_pages_nolock() is not exported, and __free_pages() is not NMI-safe.
 *
 * Context: Any context.
 */
void kalloc_helper_free_pages_nolock(void *addr, unsigned int order)
{
	struct kalloc_deferred_pages *pages = addr;

	if (likely(!in_nmi() && !(IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()))) {
		DROP_BEGIN();
		__free_pages(virt_to_page(addr), order);
		DROP_END();
		return;
	}
	pages->order = order;
	defer_free(DEFERRED_NOLOCK_PAGES, &pages->node);
}

/* Slab caches ---------------------------------------------------------------------------------- */

/* Allocated together with the cache, so that destroying it later needs no memory. */
struct kalloc_deferred_cache {
	struct llist_node node;
	struct kmem_cache *cache;
};

static void free_cache(struct llist_node *node)
{
	struct kalloc_deferred_cache *deferred = container_of(node, struct kalloc_deferred_cache, node);

#ifdef CONFIG_PREEMPT_RT
	/* Objects that were dropped before the cache may still be queued. */
	drain(&deferred_queues[DEFERRED_ELEMENTS]);
	drain(&deferred_queues[DEFERRED_OBJECTS]);
#endif
	kmem_cache_destroy(deferred->cache);
	kfree(deferred);
}

void *kalloc_helper_deferred_cache_alloc(void)
{
	return kmalloc(sizeof(struct kalloc_deferred_cache), GFP_KERNEL);
}

void kalloc_helper_kmem_cache_destroy_later(void *entry, struct kmem_cache *cache)
{
	struct kalloc_deferred_cache *deferred = entry;

	deferred->cache = cache;
	defer_free(DEFERRED_CACHES, &deferred->node);
}

/**
 * kalloc_helper_kmem_cache_destroy_flush() - Destroy the caches that are queued.
 *
 * Drains the queue itself instead of calling flush_work(): a PF_MEMALLOC task must not wait for a
 * worker that may need memory to start.
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_kmem_cache_destroy_flush(void)
{
	drain(&deferred_queues[DEFERRED_CACHES]);
}

/* DMA memory ----------------------------------------------------------------------------------- */

/*
 * Without CONFIG_PREEMPT_COUNT preemptible() is always false, so every free is deferred.
 * __always_inline because GCC folds this with the identical kalloc_helper_may_sleep() into a call.
 */
static __always_inline bool may_sleep_here(void)
{
	return preemptible() && !rcu_preempt_depth();
}

static void free_coherent(struct llist_node *node)
{
	struct kalloc_deferred_coherent *memory =
		container_of(node, struct kalloc_deferred_coherent, node);

	dma_free_attrs(memory->dev, memory->size, memory, memory->handle, memory->attrs);
}

/**
 * kalloc_helper_dma_free_attrs() - Free coherent DMA memory.
 * @dev: the device
 * @size: size of the memory, at least sizeof(struct kalloc_deferred_coherent)
 * @cpu: kernel address of the memory
 * @handle: DMA address of the memory
 * @attrs: the attributes of its allocation
 *
 * dma_free_attrs() may sleep, since memory allocated with GFP_KERNEL may be a vmap() of pages.
 *
 * Context: Any context. The device no longer uses the memory.
 */
void kalloc_helper_dma_free_attrs(struct device *dev, size_t size, void *cpu, dma_addr_t handle,
				  unsigned long attrs)
{
	struct kalloc_deferred_coherent *memory = cpu;

	if (likely(may_sleep_here())) {
		dma_free_attrs(dev, size, cpu, handle, attrs);
		return;
	}
	memory->dev = dev;
	memory->size = size;
	memory->handle = handle;
	memory->attrs = attrs;
	defer_free(DEFERRED_COHERENT, &memory->node);
}

/* Written into the first page. */
struct kalloc_deferred_dma_pages {
	struct llist_node node;
	struct device *dev;
	size_t size;
	dma_addr_t handle;
	enum dma_data_direction dir;
};

static void free_dma_pages(struct llist_node *node)
{
	struct kalloc_deferred_dma_pages *pages =
		container_of(node, struct kalloc_deferred_dma_pages, node);

	dma_free_pages(pages->dev, pages->size, virt_to_page(pages), pages->handle, pages->dir);
}

/**
 * kalloc_helper_dma_free_pages() - Free pages of dma_alloc_pages().
 * @dev: the device
 * @size: size of the allocation
 * @cpu: kernel address of the first page
 * @handle: DMA address of the first page
 * @dir: direction of the DMA
 *
 * dma_free_pages() may sleep: in an SEV or TDX guest it encrypts the pages again, and
 * vm_unmap_aliases() takes a mutex.
 *
 * Context: Any context. The device no longer uses the pages.
 */
void kalloc_helper_dma_free_pages(struct device *dev, size_t size, void *cpu, dma_addr_t handle,
				  enum dma_data_direction dir)
{
	struct kalloc_deferred_dma_pages *pages = cpu;

	if (likely(may_sleep_here())) {
		dma_free_pages(dev, size, virt_to_page(cpu), handle, dir);
		return;
	}
	pages->dev = dev;
	pages->size = size;
	pages->handle = handle;
	pages->dir = dir;
	defer_free(DEFERRED_DMA_PAGES, &pages->node);
}

/**
 * kalloc_helper_dma_free_flush() - Free the DMA memory that is queued.
 *
 * On return everything dropped earlier has been freed, including the entries that the worker or
 * another flush had taken.
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_dma_free_flush(void)
{
	drain(&deferred_queues[DEFERRED_COHERENT]);
	drain(&deferred_queues[DEFERRED_DMA_PAGES]);
}

#ifdef CONFIG_PREEMPT_RT
/* PREEMPT_RT: memory dropped with interrupts or preemption disabled ---------------------------- */

bool kalloc_helper_rt_may_free(void)
{
	return likely(preemptible());
}

/**
 * kalloc_helper_rt_drain() - Free the memory that is queued, except for queues that sleep.
 *
 * Context: Where kalloc_helper_rt_may_free() is true, also under a spinlock_t or rcu_read_lock().
 */
void kalloc_helper_rt_drain(void)
{
	struct kalloc_deferred_queue *queue;

	for (queue = deferred_queues; queue < deferred_queues + NR_DEFERRED_QUEUES; queue++) {
		if (!queue->sleeps)
			drain(queue);
	}
}

/* The node is the start of the object. The smallest kmalloc() object has room for it. */
static void free_kmalloc(struct llist_node *node)
{
	kfree(node);
}

/*
 * kalloc never asks kmalloc() for less than a node. A box of the kernel crate may ask for less. Its
 * object still holds a node, since kmalloc() has no smaller size, but slab_debug checks the bytes
 * behind the requested size on free. ksize() marks the whole object as used. It does not inform
 * KASAN or KFENCE, which may report such a box.
 */
static void defer_kmalloc(void *ptr)
{
	BUILD_BUG_ON(KMALLOC_MIN_SIZE < sizeof(struct llist_node));
	ksize(ptr);
	defer_free(DEFERRED_KMALLOC, ptr);
}

void kalloc_helper_rt_kfree(void *ptr)
{
	if (kalloc_helper_rt_may_free())
		kfree(ptr);
	else if (!ZERO_OR_NULL_PTR(ptr))
		defer_kmalloc(ptr);
}

void kalloc_helper_rt_kfree_sensitive(void *ptr)
{
	if (kalloc_helper_rt_may_free()) {
		kfree_sensitive(ptr);
	} else if (!ZERO_OR_NULL_PTR(ptr)) {
		/*
		 * ksize() may exceed the requested size. kfree_sensitive() unpoisons the object for
		 * KASAN with a function that is not exported.
		 */
		kasan_disable_current();
		memzero_explicit(ptr, ksize(ptr));
		kasan_enable_current();
		defer_kmalloc(ptr);
	}
}

void kalloc_helper_rt_kvfree(void *ptr)
{
	if (is_vmalloc_addr(ptr))
		kvfree_atomic(ptr);
	else
		kalloc_helper_rt_kfree(ptr);
}

/* Written into a slab object or into the memory of a pool element. */
struct kalloc_deferred_object {
	struct llist_node node;
	void *object;
	/* The cache or the pool. */
	void *owner;
};

static void free_object(struct llist_node *node)
{
	struct kalloc_deferred_object *deferred = container_of(node, struct kalloc_deferred_object, node);

	kmem_cache_free(deferred->owner, deferred->object);
}

/**
 * kalloc_helper_rt_kmem_cache_free() - Free a slab object.
 * @cache: the cache
 * @object: the object
 * @offset: where the object has room for a struct kalloc_deferred_object
 *
 * A constructed object keeps its value while it is free, so the node must not overwrite it.
 *
 * Context: Any context.
 */
void kalloc_helper_rt_kmem_cache_free(struct kmem_cache *cache, void *object, size_t offset)
{
	struct kalloc_deferred_object *deferred = object + offset;

	if (kalloc_helper_rt_may_free()) {
		kmem_cache_free(cache, object);
		return;
	}
	deferred->object = object;
	deferred->owner = cache;
	defer_free(DEFERRED_OBJECTS, &deferred->node);
}

static void free_element(struct llist_node *node)
{
	struct kalloc_deferred_object *deferred = container_of(node, struct kalloc_deferred_object, node);

	mempool_free(deferred->object, deferred->owner);
}

/**
 * kalloc_helper_rt_mempool_free() - Return an element to its pool.
 * @element: the element
 * @pool: the pool
 * @memory: the memory of the element, which the node overwrites
 *
 * Context: Any context.
 */
void kalloc_helper_rt_mempool_free(void *element, mempool_t *pool, void *memory)
{
	struct kalloc_deferred_object *deferred = memory;

	if (kalloc_helper_rt_may_free()) {
		mempool_free(element, pool);
		return;
	}
	deferred->object = element;
	deferred->owner = pool;
	defer_free(DEFERRED_ELEMENTS, &deferred->node);
}

static void free_pages_of_order(struct llist_node *node)
{
	struct page *page = container_of(node, struct page, pcp_llist);
	unsigned int order = page_private(page);

	set_page_private(page, 0);
	__free_pages(page, order);
}

void kalloc_helper_rt___free_pages(struct page *page, unsigned int order)
{
	if (kalloc_helper_rt_may_free()) {
		__free_pages(page, order);
		return;
	}
	/* free_pages_nolock() uses the same field. */
	set_page_private(page, order);
	defer_free(DEFERRED_PAGES, &page->pcp_llist);
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

/* A per-CPU allocation has room for a node on each CPU. The queue links that of the first CPU. */
static unsigned long percpu_offset(void)
{
	return per_cpu_offset(cpumask_first(cpu_possible_mask));
}

static void free_percpu_memory(struct llist_node *node)
{
	free_percpu(PERCPU(void, (unsigned long)node - percpu_offset()));
}

void kalloc_helper_rt_free_percpu(void *ptr)
{
	if (kalloc_helper_rt_may_free())
		free_percpu(PERCPU(void, ptr));
	else
		defer_free(DEFERRED_PERCPU, (void *)((unsigned long)ptr + percpu_offset()));
}
#endif

/* Slab objects in bulk ------------------------------------------------------------------------- */

static noinline void free_one_by_one(struct kmem_cache *cache, size_t nr, void **objects)
{
	for (size_t i = 0; i < nr; i++)
		kmem_cache_free(cache, objects[i]);
}

/**
 * kalloc_helper_kmem_cache_free_bulk() - Free slab objects.
 * @cache: the cache
 * @nr: number of objects
 * @objects: the objects
 *
 * kmem_cache_free_bulk() needs interrupts enabled. A drop does not know whether they are.
 *
 * Context: Any context but an NMI.
 */
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

/* The table of queues -------------------------------------------------------------------------- */

#define DEFERRED_QUEUE(kind, function, may_sleep)						\
	[kind] = {										\
		.free = function,								\
		.sleeps = may_sleep,								\
		.lock = __SPIN_LOCK_UNLOCKED(deferred_queues[kind].lock),			\
		.mutex = __MUTEX_INITIALIZER(deferred_queues[kind].mutex),			\
		.work = __WORK_INITIALIZER(deferred_queues[kind].work, drain_in_worker),	\
	}

/*
 * In drain order. Elements and objects before caches, since both are freed into a cache. The others
 * have no order.
 */
static struct kalloc_deferred_queue deferred_queues[NR_DEFERRED_QUEUES] = {
#ifdef CONFIG_PREEMPT_RT
	DEFERRED_QUEUE(DEFERRED_ELEMENTS, free_element, false),
	DEFERRED_QUEUE(DEFERRED_OBJECTS, free_object, false),
	DEFERRED_QUEUE(DEFERRED_KMALLOC, free_kmalloc, false),
	DEFERRED_QUEUE(DEFERRED_PAGES, free_pages_of_order, false),
	DEFERRED_QUEUE(DEFERRED_PERCPU, free_percpu_memory, false),
#endif
	DEFERRED_QUEUE(DEFERRED_NOLOCK_PAGES, free_nolock_pages, false),
	DEFERRED_QUEUE(DEFERRED_CACHES, free_cache, true),
	DEFERRED_QUEUE(DEFERRED_COHERENT, free_coherent, true),
	DEFERRED_QUEUE(DEFERRED_DMA_PAGES, free_dma_pages, true),
};
