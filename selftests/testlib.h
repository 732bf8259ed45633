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

/* The value of a C expression of GFP flags, as C's compiler sees it; false if the table has no such row. */
bool testlib_gfp(const char *expression, gfp_t *bits);
size_t testlib_gfp_rows(void);

/* Physical address of kernel memory. */
phys_addr_t testlib_phys(const void *ptr);
/* The order up to which the page allocator goes. */
unsigned int testlib_max_page_order(void);
/* The node that the memory is on. */
int testlib_node(const void *ptr);

/* What the kernel says of a slab cache: /sys/kernel/slab/CACHE/ATTRIBUTE, or a negative error. */
long testlib_slab_attribute(const char *cache, const char *attribute);

/* Where the code runs. */
bool testlib_irqs_disabled(void);
bool testlib_preemptible(void);
unsigned int testlib_preempt_count(void);
int testlib_rcu_read_lock_held(void);
bool testlib_in_nofs_scope(void);
bool testlib_in_noio_scope(void);

#endif
