// SPDX-License-Identifier: GPL-2.0
/* What the kernel does to caches for DMA that is not coherent. */

#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../testlib.h"
#include "internal.h"

#ifdef CONFIG_ARM64
static size_t wanted;
static atomic_t for_device, for_cpu;

static int count_for_device(struct kprobe *p, struct pt_regs *regs)
{
	if (regs_get_kernel_argument(regs, 1) == wanted)
		atomic_inc(&for_device);
	return 0;
}

static int count_for_cpu(struct kprobe *p, struct pt_regs *regs)
{
	if (regs_get_kernel_argument(regs, 1) == wanted)
		atomic_inc(&for_cpu);
	return 0;
}

static struct kprobe device_probe = { .symbol_name = "arch_sync_dma_for_device", .pre_handler = count_for_device };
static struct kprobe cpu_probe = { .symbol_name = "arch_sync_dma_for_cpu", .pre_handler = count_for_cpu };

int testlib_cache_start(size_t size)
{
	int err;

	wanted = size;
	testlib_cache_count();
	err = register_kprobe(&device_probe);
	if (err)
		return err;
	err = register_kprobe(&cpu_probe);
	if (err)
		unregister_kprobe(&device_probe);
	return err;
}

struct testlib_cache_count testlib_cache_count(void)
{
	return (struct testlib_cache_count){ .for_device = atomic_xchg(&for_device, 0), .for_cpu = atomic_xchg(&for_cpu, 0) };
}

void testlib_cache_stop(void)
{
	unregister_kprobe(&cpu_probe);
	unregister_kprobe(&device_probe);
}

/* By the attributes of the translation: 0x44 is normal memory that no cache has. */
bool is_uncached(const void *memory)
{
	unsigned long flags;
	u64 par;

	local_irq_save(flags);
	asm volatile("at s1e1r, %0" : : "r" (memory));
	isb();
	par = read_sysreg(par_el1);
	local_irq_restore(flags);
	return !(par & 1) && par >> 56 == 0x44;
}
#else
int testlib_cache_start(size_t size)
{
	return -ENOTSUPP;
}

struct testlib_cache_count testlib_cache_count(void)
{
	return (struct testlib_cache_count){};
}

void testlib_cache_stop(void)
{
}

bool is_uncached(const void *memory)
{
	return false;
}
#endif
EXPORT_SYMBOL_GPL(testlib_cache_start);
EXPORT_SYMBOL_GPL(testlib_cache_count);
EXPORT_SYMBOL_GPL(testlib_cache_stop);

void testlib_write_phys(phys_addr_t address, int value, size_t len)
{
	memset(phys_to_virt(address), value, len);
}
EXPORT_SYMBOL_GPL(testlib_write_phys);
