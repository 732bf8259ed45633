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
int testlib_trace_start(void);
/* Stops and returns how many there were; only the first TESTLIB_EVENTS are kept. */
size_t testlib_trace_stop(void);
struct testlib_event testlib_trace_event(size_t index);

/* Pages that the current thread allocated or freed, as the kmem: tracepoints saw them. */
struct testlib_page_event {
	unsigned long pfn;
	unsigned int order;
	gfp_t gfp;
	bool is_free;
};

/* As testlib_trace_*(), for pages. */
int testlib_page_trace_start(void);
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

/* Calls f(data) in a hard interrupt, which PREEMPT_RT does not thread, or in a softirq, and waits for its end. */
void testlib_in_hardirq(void (*f)(void *data), void *data);
void testlib_in_softirq(void (*f)(void *data), void *data);

/* The value of a C expression of GFP flags, as C's compiler sees it; false if the table has no such row. */
bool testlib_gfp(const char *expression, gfp_t *bits);
size_t testlib_gfp_rows(void);

/* Physical address of kernel memory. */
phys_addr_t testlib_phys(const void *ptr);
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

/* Bottom halves disabled, for which kalloc has no token. */
void testlib_local_bh_disable(void);
void testlib_local_bh_enable(void);

/* Where the code runs. */
bool testlib_irqs_disabled(void);
bool testlib_preemptible(void);
unsigned int testlib_preempt_count(void);
int testlib_rcu_read_lock_held(void);
bool testlib_in_nofs_scope(void);
bool testlib_in_noio_scope(void);

#endif
