/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests ask of the kernel that no driver needs: testlib.ko. */

#ifndef KALLOC_TESTLIB_H
#define KALLOC_TESTLIB_H

#include <linux/types.h>

/* An allocation or a free of the current thread, as the kmem: tracepoints saw it. */
struct testlib_event {
	const void *ptr;
	size_t size;
	gfp_t gfp;
	int node;
	bool is_free;
};

/* Records the events of the current thread. */
void testlib_trace_start(void);
/* Stops and returns how many there were; only the first TESTLIB_EVENTS are kept. */
size_t testlib_trace_stop(void);
struct testlib_event testlib_trace_event(size_t index);

/*
 * The first allocations where the code runs, be it an interrupt, and the flags of that which gave the memory; 0 where none
 * did.
 */
void testlib_here_trace_start(void);
void testlib_here_trace_stop(void);
gfp_t testlib_here_gfp(const void *ptr);

/* Pages that the current thread allocated or freed, as the kmem: tracepoints saw them. */
struct testlib_page_event {
	unsigned long pfn;
	unsigned int order;
	gfp_t gfp;
	bool is_free;
};

/* As testlib_trace_*(), for pages. */
void testlib_page_trace_start(void);
size_t testlib_page_trace_stop(void);
struct testlib_page_event testlib_page_trace_event(size_t index);

/* A local mapping or its end: the page frame. */
struct testlib_map_event {
	unsigned long pfn;
	bool is_unmap;
};

/* Records the local mappings of the current thread that Rust makes. */
int testlib_map_trace_start(void);
size_t testlib_map_trace_stop(void);
struct testlib_map_event testlib_map_trace_event(size_t index);

/* What the kernel knows of the page frame. */
bool testlib_page_compound(unsigned long pfn);
unsigned int testlib_page_order(unsigned long pfn);
int testlib_page_count(unsigned long pfn);
/* Takes a reference to the page, and gives it back. */
void testlib_get_page(unsigned long pfn);
void testlib_put_page(unsigned long pfn);

/* Free pages of the machine, with those that CPUs keep for themselves. */
unsigned long testlib_free_pages(void);

/* The value of a C expression of GFP flags, as C's compiler sees it; false if the table has no such row. */
bool testlib_gfp(const char *expression, gfp_t *bits);
size_t testlib_gfp_rows(void);

/* Physical address of kernel memory. */
phys_addr_t testlib_phys(const void *ptr);
/* The page frame of kernel memory, of vmalloc too. */
unsigned long testlib_pfn(const void *ptr);
/* The order up to which the page allocator goes. */
unsigned int testlib_max_page_order(void);
/* The node that the memory is on. */
int testlib_node(const void *ptr);

/* Whether it is an address of vmalloc, whether there is memory at it, and on which node. */
bool testlib_is_vmalloc(const void *ptr);
bool testlib_vmalloc_mapped(const void *ptr);
int testlib_vmalloc_node(const void *ptr);
/* What the machine has. */
unsigned long testlib_totalram_pages(void);

/* Opens the file, and closes it so many milliseconds later. */
int testlib_open_for(const char *path, unsigned int ms);

/* What the kernel says of a slab cache: /sys/kernel/slab/CACHE/ATTRIBUTE, or a negative error. */
long testlib_slab_attribute(const char *cache, const char *attribute);
/*
 * The name under which the kernel keeps a cache there: its own, or where it may be one with others ":", a letter for each
 * property that those must have too, "-", and the size. False where there is no such cache.
 */
bool testlib_slab_id(const char *cache, char *id, size_t len);
/*
 * The next call of a function by the current thread returns NULL; false where that cannot be. Then says whether it came to
 * that, and ends it.
 */
bool testlib_null_start(const char *function);
bool testlib_null_stop(void);
/* Whether copy_to_user() would copy it, which it looks at before: 1 or 0, or a negative error where it does not. */
int testlib_may_copy_to_user(const void *ptr, size_t len);

/* How many locks of that name lockdep knows that the current thread holds. */
int testlib_locks_held(const char *name);
/* In a hard interrupt that PREEMPT_RT does not thread: what comes is not for it, says it to lockdep. */
void testlib_not_for_rt(void);

/* Where the code runs. */
bool testlib_irqs_disabled(void);
bool testlib_preemptible(void);
unsigned int testlib_preempt_count(void);
int testlib_rcu_read_lock_held(void);
bool testlib_in_nofs_scope(void);
bool testlib_in_noio_scope(void);
bool testlib_in_noreclaim_scope(void);
bool testlib_in_nmi(void);
bool testlib_in_hardirq(void);
/* Whether the current thread is that of an interrupt line, and whether the line has a handler. */
bool testlib_in_irq_thread(void);
bool testlib_irq_has_action(unsigned int irq);
/* Forbids the kernel to thread the handlers of a line, or allows it. */
void testlib_irq_nothread(unsigned int irq, bool set);
bool testlib_in_softirq(void);

/*
 * Runs a function in an NMI on this CPU, sent by its own interrupt controller, in a hard interrupt (irq_work), which
 * PREEMPT_RT does not thread, or in a softirq (a tasklet).
 * Returns when it has run; -EOPNOTSUPP where there is no such thing, -EIO when it did not come.
 */
typedef void (*testlib_fn)(void *data);
int testlib_run_in_nmi(testlib_fn fn, void *data);
/* Sends an NMI to this CPU; -EOPNOTSUPP where that cannot be. */
int testlib_send_nmi(void);
int testlib_run_in_hardirq(testlib_fn fn, void *data);
int testlib_run_in_softirq(testlib_fn fn, void *data);
/* In a worker of a queue with WQ_MEM_RECLAIM. */
int testlib_run_in_reclaim_worker(testlib_fn fn, void *data);
/* Runs `work` on this CPU again and again while another CPU sends it `count` NMIs, which run `nmi`. */
int testlib_nmi_storm(unsigned int count, testlib_fn work, void *work_data, testlib_fn nmi, void *nmi_data);

unsigned int testlib_possible_cpus(void);
unsigned int testlib_this_cpu(void);
/* Goes on on that CPU. Sleeps. */
int testlib_migrate_to(unsigned int cpu);

/* Schedules a tasklet on this CPU, and how often it ran. */
void testlib_tasklet_schedule(void);
unsigned int testlib_tasklet_ran(void);

/* The current thread, which may be a kthread, can be killed until it forgets that it was. */
void *testlib_mortal(void);
void testlib_immortal(void);
/* Kills such a thread. */
int testlib_kill(void *thread);

/* Ends the current thread, which is a kthread, as the kernel ends one that has a bug: nothing of its stack returns. */
void testlib_die(void);

/* Runs `there` in a thread on another CPU while `here` runs on this one, and waits for both. */
int testlib_on_another_cpu(testlib_fn there, void *there_data, testlib_fn here, void *here_data);
void testlib_cond_resched(void);
void testlib_udelay(unsigned int us);

/* The first allocation of per-CPU memory by the current thread until it stops, as percpu:percpu_alloc_percpu saw it. */
struct testlib_percpu_event {
	size_t size;
	size_t align;
	gfp_t gfp;
};
void testlib_percpu_trace_start(void);
struct testlib_percpu_event testlib_percpu_trace_stop(void);

/*
 * Watches for the end of memory: a page frame that it is in, or the pointer that kfree(), kfree_nolock(), free_percpu(),
 * kmem_cache_free() or kmem_cache_free_bulk() gets; TESTLIB_ANY_CACHE is what kmem_cache_destroy() gets.
 */
#define TESTLIB_ANY_CACHE (~0UL)
int testlib_watch_start(void);
void testlib_watch_stop(void);
void testlib_watch(unsigned long memory);
/* The thread that testlib_watched_here() is about. */
void testlib_watch_from_here(void);
/* How often it was freed, by everyone and by that thread. */
unsigned int testlib_watched(void);
unsigned int testlib_watched_here(void);

/* Runs a function with a spinlock_t held and interrupts off, which PREEMPT_RT leaves on. */
void testlib_with_spin_lock_irqsave(testlib_fn fn, void *data);
bool testlib_in_serving_softirq(void);

/*
 * Lets the n-th allocation of the current thread from now on fail; false where there is no fault injection. Then says
 * whether it came to that, and ends it.
 */
bool testlib_fail_nth(unsigned int n);
bool testlib_has_failed(void);

/* Copies memory that may be free, which KASAN would report. */
void testlib_peek(const void *from, void *to, size_t len);

/* How often the current thread has left its CPU of its own accord. */
unsigned long testlib_voluntary_switches(void);

/* Waits until all is freed that kfree_rcu() got before. */
void testlib_kvfree_rcu_barrier(void);

/* What the DMA API did for a device, as the dma: tracepoints saw it. */
enum {
	TESTLIB_DMA_ALLOC,
	TESTLIB_DMA_FREE,
	TESTLIB_DMA_ALLOC_PAGES,
	TESTLIB_DMA_FREE_PAGES,
	TESTLIB_DMA_MAP,
	TESTLIB_DMA_UNMAP,
	TESTLIB_DMA_MAP_SG,
	TESTLIB_DMA_UNMAP_SG,
	TESTLIB_DMA_SYNC_FOR_CPU,
	TESTLIB_DMA_SYNC_FOR_DEVICE,
	TESTLIB_DMA_SYNC_SG_FOR_CPU,
	TESTLIB_DMA_SYNC_SG_FOR_DEVICE,
};

struct testlib_dma_event {
	unsigned int kind;
	u64 handle;
	size_t size;
	int dir;
	gfp_t gfp;
	unsigned long attrs;
	/* Where it ran. */
	bool in_interrupt;
	bool irqs_disabled;
	bool in_worker;
};

/* Records the events of the device, of every thread. */
void testlib_dma_trace_start(const void *dev);
size_t testlib_dma_trace_stop(void);
size_t testlib_dma_trace_count(void);
struct testlib_dma_event testlib_dma_trace_event(size_t index);
/* How many there were so far. */
size_t testlib_dma_traced(void);
/* From now on each dma_free_attrs() for the device takes so long. */
void testlib_dma_slow_free(unsigned int milliseconds);

/* Whether dma_sync_*() do something for the device. */
bool testlib_dma_need_sync(const void *dev);

/* Whether no work item of this CPU runs before the current thread sleeps. */
void testlib_run_first(bool first);

/* Loads a module that has nothing to do with kalloc. How many milliseconds it then takes to unload it, or an error. */
long testlib_unload_another(void);

/* `count`, an atomic_t of a test module, must stand still once the module has ended, or the kernel warns. */
void testlib_must_stop(const void *count);
/* `condition`, of a test module, must hold once the module has ended, or the kernel warns. */
void testlib_must_hold(bool (*condition)(void));

#endif
