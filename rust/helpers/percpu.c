// SPDX-License-Identifier: GPL-2.0

#include <linux/percpu.h>

#include "helpers.h"

void *kalloc_helper_alloc_percpu(size_t size, size_t align, gfp_t gfp)
{
	return (void *)(__force unsigned long)__alloc_percpu_gfp(size, align, gfp);
}

void *kalloc_helper_per_cpu_ptr(void *ptr, unsigned int cpu)
{
	return per_cpu_ptr(PERCPU(void, ptr), cpu);
}

void *kalloc_helper_raw_cpu_ptr(void *ptr)
{
	return raw_cpu_ptr(PERCPU(void, ptr));
}

/* On x86-64 Rust uses inline assembly instead. */
#define THIS_CPU_OPS(type)								\
type kalloc_helper_this_cpu_read_##type(void *ptr)					\
{											\
	return this_cpu_read(*PERCPU(type, ptr));				\
}											\
void kalloc_helper_this_cpu_write_##type(void *ptr, type val)				\
{											\
	this_cpu_write(*PERCPU(type, ptr), val);				\
}											\
void kalloc_helper_this_cpu_add_##type(void *ptr, type val)				\
{											\
	this_cpu_add(*PERCPU(type, ptr), val);				\
}											\
void kalloc_helper_this_cpu_and_##type(void *ptr, type val)				\
{											\
	this_cpu_and(*PERCPU(type, ptr), val);				\
}											\
void kalloc_helper_this_cpu_or_##type(void *ptr, type val)				\
{											\
	this_cpu_or(*PERCPU(type, ptr), val);				\
}											\
type kalloc_helper_this_cpu_add_return_##type(void *ptr, type val)			\
{											\
	return this_cpu_add_return(*PERCPU(type, ptr), val);			\
}											\
type kalloc_helper_this_cpu_cmpxchg_##type(void *ptr, type old, type new)		\
{											\
	return this_cpu_cmpxchg(*PERCPU(type, ptr), old, new);		\
}

THIS_CPU_OPS(u8)
THIS_CPU_OPS(u16)
THIS_CPU_OPS(u32)
#ifdef CONFIG_64BIT
THIS_CPU_OPS(u64)
#endif
