/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C functions that Rust calls, and the structs that both use. Each section declares one file of
 * this directory. bindgen reads this header through ../bindings/bindings.h.
 */

#ifndef KALLOC_HELPERS_H
#define KALLOC_HELPERS_H

#include <linux/dma-direction.h>
#include <linux/gfp_types.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/local_lock.h>
#include <linux/mempool.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "series.h"

struct device;
struct dma_pool;
struct hrtimer;
struct irq_work;
struct kalloc_module;
struct kmem_cache;
struct kvfree_rcu_head;
struct lock_class_key;
struct module;
struct mutex;
struct objpool_head;
struct page;
struct pci_dev;
struct timer_list;

/* Per-CPU pointers have no address space in Rust. */
#define PERCPU(type, ptr) ((type __percpu *)(__force unsigned long)(ptr))

/* deferred_free.c */

/* Written into coherent memory that waits to be freed, so no allocation is smaller than this. */
struct kalloc_deferred_coherent {
	struct llist_node node;
	struct device *dev;
	size_t size;
	dma_addr_t handle;
	unsigned long attrs;
};

int kalloc_helper_deferred_create(void);
void kalloc_helper_deferred_destroy(void);
void kalloc_helper_free_pages_nolock(void *addr, unsigned int order);
void *kalloc_helper_deferred_cache_alloc(void);
void kalloc_helper_kmem_cache_destroy_later(void *entry, struct kmem_cache *cache);
void kalloc_helper_kmem_cache_destroy_flush(void);
void kalloc_helper_dma_free_attrs(struct device *dev, size_t size, void *cpu, dma_addr_t handle,
				  unsigned long attrs);
void kalloc_helper_dma_free_pages(struct device *dev, size_t size, void *cpu, dma_addr_t handle,
				  enum dma_data_direction dir);
void kalloc_helper_dma_free_flush(void);
#ifdef CONFIG_PREEMPT_RT
bool kalloc_helper_rt_may_free(void);
void kalloc_helper_rt_drain(void);
void kalloc_helper_rt_kfree(void *ptr);
void kalloc_helper_rt_kfree_sensitive(void *ptr);
void kalloc_helper_rt_kvfree(void *ptr);
void kalloc_helper_rt_kmem_cache_free(struct kmem_cache *cache, void *object, size_t offset);
void kalloc_helper_rt_mempool_free(void *element, mempool_t *pool, void *memory);
void kalloc_helper_rt___free_pages(struct page *page, unsigned int order);
void kalloc_helper_rt_free_pages(unsigned long addr, unsigned int order);
void kalloc_helper_rt_free_pages_exact(void *memory, size_t size);
void kalloc_helper_rt_free_percpu(void *ptr);
#endif

#if defined(CONFIG_PROVE_RAW_LOCK_NESTING) && !defined(CONFIG_PREEMPT_RT)
void kalloc_helper_drop___free_pages(struct page *page, unsigned int order);
void kalloc_helper_drop_free_pages(unsigned long addr, unsigned int order);
void kalloc_helper_drop_free_pages_exact(void *memory, size_t size);
void kalloc_helper_drop_free_percpu(void *ptr);
void kalloc_helper_drop_kfree(void *ptr);
void kalloc_helper_drop_kfree_sensitive(void *ptr);
void kalloc_helper_drop_kmem_cache_free(struct kmem_cache *cache, void *object);
void kalloc_helper_drop_kvfree_atomic(void *ptr);
void kalloc_helper_drop_begin(void);
void kalloc_helper_drop_end(void);
void kalloc_helper_drop_mempool_destroy(mempool_t *pool);
void kalloc_helper_drop_mempool_free(void *element, mempool_t *pool);
unsigned int kalloc_helper_drop_mempool_free_bulk(mempool_t *pool, void **elements,
						  unsigned int count);
#endif

void kalloc_helper_kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **objects);

/* in_flight.c */

struct kalloc_module *kalloc_helper_module_of(const void *function);
void kalloc_helper_module_put(struct kalloc_module *record);
bool kalloc_helper_in_flight_inc(struct kalloc_module *record);
void kalloc_helper_in_flight_dec(struct kalloc_module *record);
bool kalloc_helper_module_is_closed(const struct kalloc_module *record);
int kalloc_helper_module_enter(struct module *module);
void kalloc_helper_module_close(struct module *module);
void kalloc_helper_module_set_root(struct module *module, void *root, void (*end)(void *root));
void kalloc_helper_module_exit(struct module *module);
bool kalloc_helper_module_wait_unused(struct module *module, int err);

/* callbacks.c */

/* An object that the kernel calls back. */
struct kalloc_callback {
	struct work_struct work;
	/* In kalloc_module.callbacks of the module whose code the kernel calls. */
	struct list_head list;
	struct kalloc_module *module;
	/* Stops the object and waits for a callback that is running. Code of that module. */
	void (*wait)(struct kalloc_callback *callback);
	/* Drops and frees the object. Code of the module `ending`, which dropped the owner. */
	void (*end)(struct kalloc_callback *callback);
	struct kalloc_module *ending;
	unsigned int phase;
	/* wait_for_callbacks() uses it, in the pass with that number. */
	bool busy;
	unsigned int pass;
};

void kalloc_helper_callback_init(struct kalloc_callback *callback,
				 void (*wait)(struct kalloc_callback *callback),
				 const void *function);
void kalloc_helper_callback_exit(struct kalloc_callback *callback);
bool kalloc_helper_callback_is_closed(const struct kalloc_callback *callback);
bool kalloc_helper_callback_add(struct kalloc_callback *callback);
void kalloc_helper_callback_remove(struct kalloc_callback *callback);
void kalloc_helper_callback_end_later(struct kalloc_callback *callback,
				      void (*end)(struct kalloc_callback *callback));
void kalloc_helper_callbacks_end(struct module *mod);
int kalloc_helper_callbacks_create(void);
void kalloc_helper_callbacks_destroy(void);

/* contexts.c */

#ifdef CONFIG_PREEMPT_COUNT
bool kalloc_helper_may_sleep(void);
#endif

#ifdef CONFIG_DEBUG_ATOMIC_SLEEP
void kalloc_helper_might_sleep(void);
void kalloc_helper_assert_nofs(void);
void kalloc_helper_assert_noio(void);
void kalloc_helper_assert_noreclaim(void);
void kalloc_helper_assert_atomic(void);
void kalloc_helper_assert_bh(void);
void kalloc_helper_assert_may_lock(void);
void kalloc_helper_assert_not_nmi(void);
void kalloc_helper_assert_nmi(void);
#endif

/* dma_kept.c */

/* How the memory is mapped for the device. */
enum kalloc_dma_mapping {
	KALLOC_DMA_SINGLE,	/* dma_map_single() */
	KALLOC_DMA_TABLE,	/* dma_map_sgtable() */
	KALLOC_DMA_PAGES,	/* dma_alloc_pages() */
	KALLOC_DMA_COHERENT,	/* dma_alloc_attrs() */
	KALLOC_DMA_BLOCK,	/* dma_pool_alloc() */
	KALLOC_DMA_POOL,	/* dma_pool_create(), destroyed after its blocks */
};

/* Which allocator the mapped memory is from. */
enum kalloc_dma_backing {
	KALLOC_DMA_BACKING_NONE,	/* the DMA API */
	KALLOC_DMA_BACKING_KVMALLOC,	/* kmalloc() or vmalloc() */
	KALLOC_DMA_BACKING_PAGES,	/* alloc_pages() of order `count` */
	KALLOC_DMA_BACKING_EXACT,	/* alloc_pages_exact() of `count` bytes */
	/* a kmalloc() array of `count` words: addresses of pages, with their order in the low bits */
	KALLOC_DMA_BACKING_BLOCKS,
};

/* DMA memory that is kept until the device is unbound. */
struct kalloc_dma_kept {
	struct llist_node node;
	struct device *dev;
	/* The driver has said that the device is idle. */
	bool idle;
	/* The device may know the address. */
	bool told;
	unsigned int mapping;
	enum dma_data_direction dir;
	unsigned long attrs;
	dma_addr_t address;
	size_t size;
	void *cpu;
	struct sg_table table;
	struct dma_pool *pool;
	unsigned int backing;
	void *memory;
	size_t count;
};

bool kalloc_helper_dma_keep(const struct kalloc_dma_kept *what);
struct kalloc_dma_kept *kalloc_helper_dma_manage(const struct kalloc_dma_kept *what, gfp_t gfp);
void kalloc_helper_dma_pool_destroy(struct device *dev, struct dma_pool *pool);
void kalloc_helper_dma_binding_is_idle(struct device *dev);
void kalloc_helper_dma_ask(struct device *dev,
			   bool (*is_idle)(void *context, dma_addr_t address, size_t size),
			   void *context);
int kalloc_helper_dma_set_masks(struct device *dev, u64 mask, u64 coherent_mask);

/* nmi.c */

#ifdef CONFIG_X86
/*
 * The kernel passes no data to an NMI handler. All kalloc_nmi of one type share one handler, and
 * the data is in the struct around each of them.
 */
struct kalloc_nmi {
	struct list_head list;
	bool (*fn)(struct kalloc_nmi *nmi);
	bool unknown;
	bool listed;
};

int kalloc_helper_register_nmi(struct kalloc_nmi *nmi, bool (*fn)(struct kalloc_nmi *nmi),
			       bool unknown);
void kalloc_helper_unregister_nmi(struct kalloc_nmi *nmi);
#endif

/* barrier.c */

void kalloc_helper_dma_rmb(void);
void kalloc_helper_dma_wmb(void);

/* bottom_half.c */

void kalloc_helper_local_bh_disable(void);
void kalloc_helper_local_bh_enable(void);

/* cpumask.c */

unsigned int kalloc_helper_possible_cpu(unsigned int cpu);

/* device.c */

int kalloc_helper_dev_to_node(struct device *dev);

/* dma-mapping.c */

dma_addr_t kalloc_helper_dma_map_single(struct device *dev, void *ptr, size_t offset, size_t size,
					enum dma_data_direction dir, unsigned long attrs);
void kalloc_helper_dma_sync_sgtable_for_cpu(struct device *dev, struct sg_table *table,
					    enum dma_data_direction dir);
void kalloc_helper_dma_sync_sgtable_for_device(struct device *dev, struct sg_table *table,
					       enum dma_data_direction dir);
unsigned int kalloc_helper_dma_get_max_seg_size(struct device *dev);

/* dmapool.c */

struct dma_pool *kalloc_helper_dma_pool_create(const char *name, struct device *dev, size_t size,
					       size_t align, size_t boundary);

/* gfp.c */

unsigned long kalloc_helper_alloc_pages_bulk_node(gfp_t gfp, int nid, unsigned long nr_pages,
						  struct page **page_array);
void *kalloc_helper_alloc_pages_nolock(gfp_t gfp, int node, unsigned int order);
struct page *kalloc_helper_alloc_pages(gfp_t gfp, unsigned int order);
struct page *kalloc_helper_alloc_pages_node(int nid, gfp_t gfp, unsigned int order);
unsigned long kalloc_helper_get_free_pages(gfp_t gfp, unsigned int order);
void *kalloc_helper_alloc_pages_exact(size_t size, gfp_t gfp);

/* hrtimer.c */

u64 kalloc_helper_hrtimer_forward_now(struct hrtimer *timer, ktime_t interval);

/* irq_work.c */

void kalloc_helper_irq_work_sync(struct irq_work *work);
void kalloc_helper_init_irq_work(struct irq_work *work, void (*fn)(struct irq_work *work),
				 bool hard);

/* irqflags.c */

unsigned long kalloc_helper_local_irq_save(void);
void kalloc_helper_local_irq_restore(unsigned long flags);

/* local_lock.c */

void kalloc_helper_local_trylock_init(local_trylock_t *lock, const char *name,
				      struct lock_class_key *key);
#ifdef CONFIG_PREEMPT_RT
void *kalloc_helper_local_lock_irqsave(void *lock, unsigned long *flags);
#endif
void *kalloc_helper_local_trylock_irqsave(void *lock, unsigned long *flags);
void kalloc_helper_local_unlock_irqrestore(local_trylock_t *local, unsigned long flags);

/* mempool.c */

int kalloc_helper_mempool_resize(mempool_t *pool, int min_nr);
#ifdef CONFIG_MEM_ALLOC_PROFILING
mempool_t *kalloc_helper_mempool_create_node(int min_nr, mempool_alloc_t *alloc,
					     mempool_free_t *free, void *data, gfp_t flags,
					     int node);
void *kalloc_helper_mempool_alloc(mempool_t *pool, gfp_t flags);
int kalloc_helper_mempool_alloc_bulk(mempool_t *pool, void **elements, unsigned int count);
#endif

/* mm.c */

void *kalloc_helper_page_address(const struct page *page);
struct page *kalloc_helper_virt_to_page(const void *address);
unsigned long kalloc_helper_page_to_pfn(const struct page *page);
phys_addr_t kalloc_helper_page_to_phys(const struct page *page);
int kalloc_helper_page_count(const struct page *page);
bool kalloc_helper_page_highmem(const struct page *page);
unsigned long kalloc_helper_totalram_pages(void);

/* mutex.c */

int kalloc_helper_mutex_lock_killable(struct mutex *lock);

/* nodemask.c */

bool kalloc_helper_node_online(int node);

/* objpool.c */

void kalloc_helper_objpool_push(void *obj, struct objpool_head *pool, struct llist_head *from_nmi);
void *kalloc_helper_objpool_pop(struct objpool_head *pool, struct llist_head *from_nmi);
u64 kalloc_helper_objpool_slot_size(u64 nr_objs, u64 object_size);
int kalloc_helper_objpool_make_room(struct objpool_head *pool, gfp_t gfp);
void kalloc_helper_objpool_free_later(struct objpool_head *pool);

/* pci.c */

bool kalloc_helper_pci_has_msi(struct pci_dev *pdev);
int kalloc_helper_pci_take_vectors(struct pci_dev *pdev);
void kalloc_helper_pci_put_vectors(struct pci_dev *pdev);
int kalloc_helper_pci_keep_vectors(struct pci_dev *pdev);
void kalloc_helper_pci_free_vectors(struct pci_dev *pdev);

/* percpu.c */

void *kalloc_helper_alloc_percpu(size_t size, size_t align, gfp_t gfp);
void *kalloc_helper_per_cpu_ptr(void *ptr, unsigned int cpu);
void *kalloc_helper_raw_cpu_ptr(void *ptr);

/* On x86-64 Rust uses inline assembly instead. */
#define KALLOC_THIS_CPU_PROTOTYPES(type)							\
	type kalloc_helper_this_cpu_read_##type(void *ptr);					\
	void kalloc_helper_this_cpu_write_##type(void *ptr, type val);				\
	void kalloc_helper_this_cpu_add_##type(void *ptr, type val);				\
	void kalloc_helper_this_cpu_and_##type(void *ptr, type val);				\
	void kalloc_helper_this_cpu_or_##type(void *ptr, type val);				\
	type kalloc_helper_this_cpu_add_return_##type(void *ptr, type val);			\
	type kalloc_helper_this_cpu_cmpxchg_##type(void *ptr, type old, type new);

KALLOC_THIS_CPU_PROTOTYPES(u8)
KALLOC_THIS_CPU_PROTOTYPES(u16)
KALLOC_THIS_CPU_PROTOTYPES(u32)
#ifdef CONFIG_64BIT
KALLOC_THIS_CPU_PROTOTYPES(u64)
#endif

/* preempt.c */

void kalloc_helper_preempt_disable(void);
void kalloc_helper_preempt_enable(void);

/* rcupdate.c */

void kalloc_helper_synchronize_rcu_tasks(void);

/* refcount.c */

bool kalloc_helper_refcount_inc_not_zero_acquire(refcount_t *refs);

/* rwlock.c */

void kalloc_helper_rwlock_init(rwlock_t *lock, const char *name, struct lock_class_key *key);
void kalloc_helper_read_lock(rwlock_t *lock);
void kalloc_helper_read_unlock(rwlock_t *lock);
void kalloc_helper_write_lock(rwlock_t *lock);
void kalloc_helper_write_unlock(rwlock_t *lock);

/* sched.c */

void kalloc_helper_cond_resched(void);

/* sched_mm.c */

unsigned int kalloc_helper_memalloc_nofs_save(void);
void kalloc_helper_memalloc_nofs_restore(unsigned int flags);
unsigned int kalloc_helper_memalloc_noio_save(void);
void kalloc_helper_memalloc_noio_restore(unsigned int flags);
unsigned int kalloc_helper_memalloc_noreclaim_save(void);
void kalloc_helper_memalloc_noreclaim_restore(unsigned int flags);

/* slab.c */

void *kalloc_helper_kmalloc(size_t size, gfp_t flags);
void *kalloc_helper_kmalloc_node(size_t size, gfp_t flags, int node);
void *kalloc_helper_krealloc_node(const void *p, size_t size, gfp_t flags, int node);
void *kalloc_helper_kvmalloc_node_align(size_t size, unsigned long align, gfp_t flags, int node);
void *kalloc_helper_kvrealloc_node_align(const void *p, size_t size, unsigned long align,
					 gfp_t flags, int node);
void *kalloc_helper_kmalloc_nolock(size_t size, gfp_t flags, int node);
void kalloc_helper_kvfree_rcu(struct kvfree_rcu_head *head, void *ptr);
#ifdef CONFIG_MEM_ALLOC_PROFILING
void *kalloc_helper_kmem_cache_alloc(struct kmem_cache *cache, gfp_t flags);
void *kalloc_helper_kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t flags, int node);
bool kalloc_helper_kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t flags, size_t nr,
					 void **objects);
#endif

/* spinlock.c */

void kalloc_helper_raw_spin_lock_init(raw_spinlock_t *lock, const char *name,
				      struct lock_class_key *key);
void kalloc_helper_raw_spin_lock(raw_spinlock_t *lock);
bool kalloc_helper_raw_spin_trylock(raw_spinlock_t *lock);
void kalloc_helper_raw_spin_unlock(raw_spinlock_t *lock);
unsigned long kalloc_helper_raw_spin_lock_irqsave(raw_spinlock_t *lock);
bool kalloc_helper_raw_spin_trylock_irqsave(raw_spinlock_t *lock, unsigned long *flags);
void kalloc_helper_raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags);
void kalloc_helper_raw_spin_assert_is_held(raw_spinlock_t *lock);

/* timer.c */

void kalloc_helper_timer_setup(struct timer_list *timer, void (*fn)(struct timer_list *timer));
int kalloc_helper_timer_start(struct timer_list *timer, unsigned long delay);
bool kalloc_helper_timer_pending(const struct timer_list *timer);

/* topology.c */

int kalloc_helper_numa_mem_id(void);

/* vmalloc.c */

void *kalloc_helper_vmalloc(unsigned long size);
void *kalloc_helper_vzalloc(unsigned long size);
void *kalloc_helper___vmalloc(unsigned long size, gfp_t flags);
void *kalloc_helper_vmalloc_node(unsigned long size, int node);
void *kalloc_helper_vzalloc_node(unsigned long size, int node);
void *kalloc_helper_vrealloc_node_align(const void *p, size_t size, unsigned long align,
					gfp_t flags, int node);

/* wait_bit.c */

void kalloc_helper_sleep_on_var(void *var, bool (*over)(const void *data), const void *data,
				long timeout);
void kalloc_helper_wake_up_var(void *var);

#endif
