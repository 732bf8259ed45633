// SPDX-License-Identifier: GPL-2.0
/* What a C driver would write for each operation, and the counting of both sides. */

#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timex.h>

#include "bench.h"

#define WINDOWS 64

/* The pointer is used, for all that the compiler knows. */
#define use(p) asm volatile("" : : "r"(p) : "memory")
/* A size that the compiler does not know. */
#define unknown(n) ({ size_t __n = (n); asm volatile("" : "+r"(__n)); __n; })

static noinline void nothing(void)
{
	use(0);
}

static noinline void kmalloc_constant(void)
{
	void *p = kmalloc(64, GFP_ATOMIC);

	if (!p)
		return;
	use(p);
	kfree(p);
}

static noinline void kmalloc_variable(void)
{
	void *p = kmalloc(unknown(64), GFP_ATOMIC);

	if (!p)
		return;
	use(p);
	kfree(p);
}

static noinline void kzalloc_constant(void)
{
	void *p = kzalloc(64, GFP_ATOMIC);

	if (!p)
		return;
	use(p);
	kfree(p);
}

static noinline void kcalloc_variable(void)
{
	void *p = kcalloc(unknown(8), sizeof(u64), GFP_ATOMIC);

	if (!p)
		return;
	use(p);
	kfree(p);
}

static noinline void krealloc_growth(void)
{
	void *p = NULL, *n;

	for (size_t size = 64; size <= 1024; size *= 2) {
		n = krealloc(p, unknown(size), GFP_ATOMIC);
		if (!n)
			break;
		p = n;
		use(p);
	}
	kfree(p);
}

static const struct {
	const char *name;
	bench_fn fn;
} operations[] = {
	{ "nothing", nothing },
	{ "kmalloc, constant size", kmalloc_constant },
	{ "kmalloc, variable size", kmalloc_variable },
	{ "kzalloc", kzalloc_constant },
	{ "kcalloc", kcalloc_variable },
	{ "krealloc, 64 to 1024", krealloc_growth },
};

bench_fn bench_c(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (!strcmp(operations[i].name, name))
			return operations[i].fn;
	return NULL;
}

u64 bench_count(bench_fn fn, bool irqs_off)
{
	u64 least = U64_MAX;
	unsigned long flags = 0;

	for (int window = 0; window < WINDOWS; window++) {
		u64 start, count;

		if (irqs_off)
			local_irq_save(flags);
		start = rdtsc_ordered();
		for (int i = 0; i < 16; i++)
			fn();
		count = rdtsc_ordered() - start;
		if (irqs_off)
			local_irq_restore(flags);
		least = min(least, count);
	}
	return least;
}
