/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests ask of the kernel that no driver needs: testlib.ko. Each section is a file of testlib/. */

#ifndef KALLOC_TESTLIB_H
#define KALLOC_TESTLIB_H

#include <linux/types.h>

typedef void (*testlib_fn)(void *data);

/* predicates.c ------------------------------------------------------------------------------------ */

#define PREDICATE(type, name, parameters, expression) type testlib_##name parameters;
#include "testlib/predicates.h"

/* trace.c ----------------------------------------------------------------------------------------- */

/* An allocation or a free of the current thread, as the kmem: tracepoints saw it. */
struct testlib_event {
	const void *ptr;
	size_t size;
	gfp_t gfp;
	int node;
	bool is_free;
};

/* Records the events of the current thread, without those of interrupts that come in between. */
void testlib_kmem_trace_start(void);
/* Stops, and returns the number of events; only the first are kept. */
size_t testlib_kmem_trace_stop(void);
struct testlib_event testlib_kmem_trace_event(size_t index);

/* Pages that the current thread allocated or freed, as the kmem: tracepoints saw them. */
struct testlib_page_event {
	unsigned long pfn;
	unsigned int order;
	gfp_t gfp;
	bool is_free;
};

/* As testlib_kmem_trace_*(), for pages. */
void testlib_page_trace_start(void);
size_t testlib_page_trace_stop(void);
struct testlib_page_event testlib_page_trace_event(size_t index);

/* The first allocation of per-CPU memory by the current thread, as percpu:percpu_alloc_percpu saw it. */
struct testlib_percpu_event {
	size_t size;
	size_t align;
	gfp_t gfp;
};

/* As testlib_kmem_trace_*(), for per-CPU memory. */
void testlib_percpu_trace_start(void);
size_t testlib_percpu_trace_stop(void);
struct testlib_percpu_event testlib_percpu_trace_event(size_t index);

/* A local mapping or its end: the page frame. */
struct testlib_map_event {
	unsigned long pfn;
	bool is_unmap;
};

/* Records the local mappings of the current thread that Rust makes. */
int testlib_map_trace_start(void);
size_t testlib_map_trace_stop(void);
struct testlib_map_event testlib_map_trace_event(size_t index);

/* dma.c ------------------------------------------------------------------------------------------- */

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
	/* Of memory that was allocated: no cache has it. */
	bool is_uncached;
	/* Where it ran. */
	bool in_interrupt;
	bool irqs_disabled;
	bool in_worker;
};

/* Records the events of the device, of every thread. */
void testlib_dma_trace_start(const void *dev);
size_t testlib_dma_trace_stop(void);
struct testlib_dma_event testlib_dma_trace_event(size_t index);
/* How many events there have been so far. */
size_t testlib_dma_trace_count(void);
/* From now on each dma_free_attrs() for the device takes that long. */
void testlib_dma_slow_free(unsigned int milliseconds);

/* cache.c ----------------------------------------------------------------------------------------- */

/* How often the kernel has written back or invalidated caches since this was asked for last, for memory of that size. */
struct testlib_cache_count {
	unsigned int for_device;
	unsigned int for_cpu;
};

/* -ENOTSUPP where DMA is coherent. */
int testlib_cache_start(size_t size);
struct testlib_cache_count testlib_cache_count(void);
void testlib_cache_stop(void);
/* Writes to memory as a device does. */
void testlib_write_phys(phys_addr_t address, int value, size_t len);

/* watch.c ----------------------------------------------------------------------------------------- */

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

/* memory.c ---------------------------------------------------------------------------------------- */

/* Takes a reference to the page, and gives it back. */
void testlib_get_page(unsigned long pfn);
void testlib_put_page(unsigned long pfn);

/* Free pages of the machine, with those that CPUs keep for themselves. */
unsigned long testlib_free_pages(void);

/* The value of a C expression of GFP flags, as C's compiler sees it; false if the table has no such row. */
bool testlib_gfp(const char *expression, gfp_t *bits);
size_t testlib_gfp_rows(void);

/* What the kernel says of a slab cache: /sys/kernel/slab/CACHE/ATTRIBUTE, or a negative error. */
long testlib_slab_attribute(const char *cache, const char *attribute);
/*
 * The name under which the kernel keeps a cache there: its own, or where it may be one with others ":", a letter for each
 * property that those must have too, "-", and the size. False where there is no such cache.
 */
bool testlib_slab_id(const char *cache, char *id, size_t len);

/* Copies memory that may be free, without a report of KASAN. */
void testlib_peek(const void *from, void *to, size_t len);

/* Waits until everything passed to kfree_rcu() before is freed. */
void testlib_kvfree_rcu_barrier(void);

/* interrupt.c ------------------------------------------------------------------------------------- */

/* Runs a function in a hard interrupt (irq_work), which PREEMPT_RT does not thread, or in a softirq (a tasklet). */
int testlib_run_in_hardirq(testlib_fn fn, void *data);
int testlib_run_in_softirq(testlib_fn fn, void *data);
/* In a worker of a queue with WQ_MEM_RECLAIM. */
int testlib_run_in_reclaim_worker(testlib_fn fn, void *data);

/* Schedules a tasklet on this CPU, and how often it ran. */
void testlib_tasklet_schedule(void);
unsigned int testlib_tasklet_ran(void);

/* Forbids the kernel to thread the handlers of a line, or allows it. */
void testlib_irq_nothread(unsigned int irq, bool set);

/* Runs a function with a spinlock_t held and interrupts off, which PREEMPT_RT leaves on. */
void testlib_with_spin_lock_irqsave(testlib_fn fn, void *data);

/* How many locks of that name the current thread holds, as lockdep knows. */
int testlib_locks_held(const char *name);
/* In a hard interrupt that PREEMPT_RT does not thread: tells lockdep that the following code is not for PREEMPT_RT. */
void testlib_not_for_rt(void);

/* nmi.c ------------------------------------------------------------------------------------------- */

/*
 * Runs a function in an NMI on this CPU, sent by its own interrupt controller. Returns when it has run; -ENOTSUPP where
 * there is no such thing, -EIO when it did not come.
 */
int testlib_run_in_nmi(testlib_fn fn, void *data);
/* Sends an NMI to this CPU; -ENOTSUPP where that cannot be. */
int testlib_send_nmi(void);
/* Runs `work` on this CPU again and again while another CPU sends it `count` NMIs, which run `nmi`. */
int testlib_nmi_storm(unsigned int count, testlib_fn work, void *work_data, testlib_fn nmi, void *nmi_data);

/* thread.c ---------------------------------------------------------------------------------------- */

/* Migrates to that CPU. Sleeps. */
int testlib_migrate_to(unsigned int cpu);

/* Lets the current thread, which may be a kthread, be killed, until testlib_immortal() clears the signal. */
void *testlib_mortal(void);
void testlib_immortal(void);
/* Kills such a thread. */
int testlib_kill(void *thread);

/* Ends the current kthread as an oops does: no function on its stack returns. */
void testlib_die(void);

/* Runs `there` in a thread on another CPU while `here` runs on this one, and waits for both. */
int testlib_on_another_cpu(testlib_fn there, void *there_data, testlib_fn here, void *here_data);
void testlib_cond_resched(void);
void testlib_udelay(unsigned int us);

/* Makes the current thread run before work items of this CPU, or not. */
void testlib_run_first(bool first);

/* fault.c ----------------------------------------------------------------------------------------- */

/*
 * Makes the n-th allocation of the current thread fail; false without fault injection. Then tells whether that allocation
 * came, and stops.
 */
bool testlib_fail_nth(unsigned int n);
bool testlib_has_failed(void);

/*
 * Makes the next call of a function by the current thread return NULL; false if there can be no kprobe. Then tells whether
 * that call came, and removes the kprobe.
 */
bool testlib_null_start(const char *function);
bool testlib_null_stop(void);
/* Whether the usercopy check lets copy_to_user() copy it: 1 or 0, or a negative error if the kernel has no check. */
int testlib_may_copy_to_user(const void *ptr, size_t len);

/* modules.c --------------------------------------------------------------------------------------- */

/* Loads and unloads a module that does not use kalloc. Returns the milliseconds of the unload, or an error. */
long testlib_unload_another(void);

/* `count`, an atomic_t of a test module, must stand still once the module has ended, or the kernel warns. */
void testlib_must_stop(const void *count);
/* `condition`, of a test module, must hold once the module has ended, or the kernel warns. */
void testlib_must_hold(bool (*condition)(void));

/* Opens the file, and closes it that many milliseconds later. */
int testlib_open_for(const char *path, unsigned int ms);

#endif
