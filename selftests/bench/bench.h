/* SPDX-License-Identifier: GPL-2.0 */
/* The C side of the benchmark, and the counting of both sides. */

#ifndef KALLOC_BENCH_H
#define KALLOC_BENCH_H

#include <linux/types.h>

typedef void (*bench_fn)(void);

/* C's function for an operation, or NULL. */
bench_fn bench_c(const char *name);
/* Instructions of 16 calls of @fn, as the time stamp counter of QEMU's -icount counts them: the least of many windows. */
u64 bench_count(bench_fn fn, bool irqs_off);

#endif
