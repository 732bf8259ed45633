/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of testlib.ko share. */

#ifndef KALLOC_TESTLIB_INTERNAL_H
#define KALLOC_TESTLIB_INTERNAL_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

struct tracepoint;

/* A function that looks through a tracepoint as long as testlib.ko is loaded. */
struct testlib_probe {
	const char *name;
	void *function;
	struct tracepoint *tp;
	bool is_registered;
};

#define PROBE(tracepoint, probe) {									\
	.name = #tracepoint,										\
	.function = (void *)(probe) +									\
		BUILD_BUG_ON_ZERO(!__same_type(check_trace_callback_type_##tracepoint, void(typeof(&(probe))))), \
}

/* Each table ends with an entry without a name. */
extern struct testlib_probe testlib_trace_probes[], testlib_watch_probes[], testlib_dma_probes[];

/* Whether no cache has the memory. */
bool is_uncached(const void *memory);

/* Finds out which cache is kmemleak's own. */
void testlib_learn_kmemleak(void);

/* Begins and ends the watch over modules. */
int testlib_modules_init(void);
void testlib_modules_exit(void);

#endif
