/* SPDX-License-Identifier: GPL-2.0 */
/* The C side of the benchmark, and the counting of every side. */

#ifndef KALLOC_BENCH_H
#define KALLOC_BENCH_H

#include <linux/types.h>

/* Does an operation so many times. */
typedef void (*bench_fn)(unsigned long turns);

/* C's function for an operation, or NULL. */
bench_fn bench_c(const char *name);
struct device;

/* What the C side works on, and for which device. */
int bench_c_init(struct device *dev);
void bench_c_exit(void);
/* Called by an operation that did not do what it should. */
void bench_failed(void);

/*
 * Writes the instructions of @turns turns of each of the @nr sides, without those of entering and leaving the function:
 * what twice as many turns cost more. The least of many windows, in which the sides take turns.
 */
int bench_count(const bench_fn *sides, s64 *instructions, unsigned int nr, unsigned long turns, bool irqs_off);

#endif
