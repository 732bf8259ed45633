// SPDX-License-Identifier: GPL-2.0
/* What a C driver would write for each operation, and the counting of every side. */

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel_stat.h>
#include <linux/local_lock.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/objpool.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timex.h>
#include <linux/unroll.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define WINDOWS 32

/* The pointer is used, for all that the compiler knows. */
#define use(p) asm volatile("" : : "r"(p) : "memory")
/* A size that the compiler does not know. */
#define unknown(n) ({ size_t __n = (n); asm volatile("" : "+r"(__n)); __n; })

static unsigned long failures;

noinline __cold void bench_failed(void)
{
	failures++;
}

/* A function that does so many times what follows, one by one. */
#define OPERATION(name)						\
	static __always_inline void name##_once(void);		\
	static noinline void name(unsigned long turns)		\
	{							\
		unrolled_none					\
		do						\
			name##_once();				\
		while (--turns);				\
	}							\
	static __always_inline void name##_once(void)

/* As OPERATION(), with @var in hand for all turns. */
#define OPERATION_ON(name, type, var, value)			\
	static __always_inline void name##_once(type var);	\
	static noinline void name(unsigned long turns)		\
	{							\
		type var = value;				\
		unrolled_none					\
		do						\
			name##_once(var);			\
		while (--turns);				\
	}							\
	static __always_inline void name##_once(type var)

struct object {
	u64 words[8];
};

struct session {
	spinlock_t lock;
	u64 id;
};

struct config {
	struct rcu_head rcu;
	u64 words[6];
};

static struct kmem_cache *object_cache, *session_cache;
static mempool_t *reserve;
static struct objpool_head pool;
static u64 __percpu *counter;
static DEFINE_SPINLOCK(lock);
static struct device *device;
static struct dma_pool *descriptors;

OPERATION(nothing)
{
	barrier();
}

OPERATION(kmalloc_constant)
{
	void *p = kmalloc(64, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

OPERATION(kmalloc_variable)
{
	void *p = kmalloc(unknown(64), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

OPERATION(kmalloc_array_variable)
{
	u64 *p = kmalloc_array(unknown(8), sizeof(*p), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

OPERATION(kzalloc_constant)
{
	void *p = kzalloc(64, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

OPERATION(kcalloc_variable)
{
	u64 *p = kcalloc(unknown(8), sizeof(*p), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

OPERATION(krealloc_growth)
{
	u64 *p = NULL, *n;

	for (size_t len = 8; len <= 128; len *= 2) {
		n = krealloc_array(p, unknown(len), sizeof(*p), GFP_ATOMIC);
		if (!n) {
			bench_failed();
			break;
		}
		p = n;
		use(p);
	}
	kfree(p);
}

OPERATION(vector_push)
{
	u64 *elements = NULL;
	size_t len = 0, capacity = 0;

	for (u64 i = 0; i < 1000; i++) {
		if (len == capacity) {
			size_t room = capacity ? capacity * 2 : 1;
			u64 *n = krealloc_array(elements, room, sizeof(*elements), GFP_ATOMIC);

			if (!n) {
				bench_failed();
				break;
			}
			elements = n;
			capacity = room;
		}
		elements[len++] = i;
	}
	use(elements);
	kfree(elements);
}

OPERATION(vmalloc_1m)
{
	void *p = vmalloc(SZ_1M);

	if (!p)
		return bench_failed();
	use(p);
	vfree(p);
}

OPERATION(kvmalloc_4k)
{
	void *p = kvmalloc(SZ_4K, GFP_KERNEL);

	if (!p)
		return bench_failed();
	use(p);
	kvfree(p);
}

OPERATION(kvmalloc_1m)
{
	void *p = kvmalloc(SZ_1M, GFP_KERNEL);

	if (!p)
		return bench_failed();
	use(p);
	kvfree(p);
}

OPERATION(pages_0)
{
	struct page *page = alloc_page(GFP_ATOMIC);

	if (!page)
		return bench_failed();
	use(page);
	__free_page(page);
}

OPERATION(pages_3)
{
	struct page *page = alloc_pages(GFP_ATOMIC, 3);

	if (!page)
		return bench_failed();
	use(page);
	__free_pages(page, 3);
}

OPERATION(slab)
{
	struct object *p = kmem_cache_alloc(object_cache, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	kmem_cache_free(object_cache, p);
}

OPERATION(slab_constructor)
{
	struct session *p = kmem_cache_alloc(session_cache, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	p->id = 0;
	kmem_cache_free(session_cache, p);
}

OPERATION(slab_bulk)
{
	void *objects[16];

	if (!kmem_cache_alloc_bulk(object_cache, GFP_KERNEL, ARRAY_SIZE(objects), objects))
		return bench_failed();
	use(objects);
	kmem_cache_free_bulk(object_cache, ARRAY_SIZE(objects), objects);
}

OPERATION(slab_loop)
{
	struct object *objects[16];
	int n = 0;

	while (n < ARRAY_SIZE(objects)) {
		objects[n] = kmem_cache_alloc(object_cache, GFP_KERNEL);
		if (!objects[n]) {
			bench_failed();
			break;
		}
		n++;
	}
	use(objects);
	while (n--)
		kmem_cache_free(object_cache, objects[n]);
}

OPERATION(mempool)
{
	struct object *p = mempool_alloc(reserve, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	mempool_free(p, reserve);
}

OPERATION(objpool)
{
	struct object *p = objpool_pop(&pool);

	if (!p)
		return bench_failed();
	use(p);
	objpool_push(p, &pool);
}

OPERATION(nolock)
{
	void *p = kmalloc_nolock(64, 0, NUMA_NO_NODE);

	if (!p)
		return bench_failed();
	use(p);
	kfree_nolock(p);
}

OPERATION(rcu)
{
	struct config *p = kmalloc(sizeof(*p), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p->words);
	kfree_rcu(p, rcu);
}

OPERATION(percpu_inc)
{
	this_cpu_inc(*counter);
}

OPERATION(spinlock)
{
	spin_lock(&lock);
	spin_unlock(&lock);
}

OPERATION(locked)
{
	void *p;

	spin_lock(&lock);
	p = kmalloc(64, GFP_ATOMIC);
	spin_unlock(&lock);
	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

OPERATION(irqs_off)
{
	unsigned long flags;
	void *p;

	local_irq_save(flags);
	p = kmalloc(64, GFP_ATOMIC);
	local_irq_restore(flags);
	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

static u64 source[512];

OPERATION(vector_extend)
{
	size_t size = unknown(sizeof(source));
	void *p = kmalloc(size, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	memcpy(p, source, size);
	use(p);
	kfree(p);
}

OPERATION(vector_of_one_value)
{
	size_t size = unknown(sizeof(source));
	void *p = kmalloc(size, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	memset(p, 7, size);
	use(p);
	kfree(p);
}

OPERATION(vector_move)
{
	size_t nr = unknown(ARRAY_SIZE(source));
	u64 *p = kmalloc_array(nr + 1, sizeof(*p), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	memcpy(p, source, nr * sizeof(*p));
	use(p);
	memmove(p + 1, p, nr * sizeof(*p));
	p[0] = 7;
	use(p);
	memmove(p, p + 1, nr * sizeof(*p));
	use(p);
	kfree(p);
}

OPERATION(vector_retain)
{
	size_t nr = unknown(ARRAY_SIZE(source)), kept = 0;
	u64 *p = kmalloc_array(nr, sizeof(*p), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	memcpy(p, source, nr * sizeof(*p));
	use(p);
	for (size_t i = 0; i < nr; i++)
		if (!(p[i] & 1))
			p[kept++] = p[i];
	use(p + kept);
	kfree(p);
}

OPERATION(vector_take)
{
	size_t nr = unknown(ARRAY_SIZE(source));
	u64 *p = kmalloc_array(nr, sizeof(*p), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	memcpy(p, source, nr * sizeof(*p));
	use(p);
	for (size_t i = 0; i < nr; i++)
		use(p[i]);
	kfree(p);
}

OPERATION(memdup)
{
	void *p = kmemdup(source, unknown(sizeof(source)), GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	kfree(p);
}

struct local_count {
	local_trylock_t lock;
	u64 value;
};

static DEFINE_PER_CPU(struct local_count, local_count) = {
	.lock = INIT_LOCAL_TRYLOCK(lock),
};

OPERATION(local_locked)
{
	unsigned long flags;

	local_lock_irqsave(&local_count.lock, flags);
	this_cpu_ptr(&local_count)->value++;
	local_unlock_irqrestore(&local_count.lock, flags);
}

OPERATION_ON(devm, struct device *, dev, device)
{
	void *p = devm_kzalloc(dev, 64, GFP_ATOMIC);

	if (!p)
		return bench_failed();
	use(p);
	devm_kfree(dev, p);
}

OPERATION_ON(dma_coherent, struct device *, dev, device)
{
	dma_addr_t handle;
	void *p = dma_alloc_coherent(dev, SZ_4K, &handle, GFP_KERNEL);

	if (!p)
		return bench_failed();
	use(handle);
	dma_free_coherent(dev, SZ_4K, p, handle);
}

OPERATION_ON(dma_pool, struct dma_pool *, pool, descriptors)
{
	dma_addr_t handle;
	struct object *p = dma_pool_zalloc(pool, GFP_ATOMIC, &handle);

	if (!p)
		return bench_failed();
	use(handle);
	dma_pool_free(pool, p, handle);
}

/* The buffer is there for all turns. */
static noinline void dma_map(unsigned long turns)
{
	struct device *dev = device;
	void *p = kzalloc(512, GFP_ATOMIC);
	dma_addr_t handle;

	if (!p)
		return bench_failed();
	unrolled_none
	do {
		handle = dma_map_single(dev, p, 512, DMA_TO_DEVICE);
		if (dma_mapping_error(dev, handle)) {
			bench_failed();
			break;
		}
		use(handle);
		dma_unmap_single(dev, handle, 512, DMA_TO_DEVICE);
	} while (--turns);
	kfree(p);
}

/* The buffer is mapped for all turns. */
static noinline void dma_sync(unsigned long turns)
{
	struct device *dev = device;
	void *p = kzalloc(512, GFP_ATOMIC);
	dma_addr_t handle;

	if (!p)
		return bench_failed();
	handle = dma_map_single(dev, p, 512, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, handle)) {
		bench_failed();
		goto free;
	}
	unrolled_none
	do {
		dma_sync_single_for_cpu(dev, handle, 512, DMA_FROM_DEVICE);
		use(p);
		dma_sync_single_for_device(dev, handle, 512, DMA_FROM_DEVICE);
	} while (--turns);
	dma_unmap_single(dev, handle, 512, DMA_FROM_DEVICE);
free:
	kfree(p);
}

static const struct {
	const char *name;
	bench_fn fn;
} operations[] = {
	{ "nothing", nothing },
	{ "kmalloc, constant size", kmalloc_constant },
	{ "kmalloc, variable size", kmalloc_variable },
	{ "kmalloc_array", kmalloc_array_variable },
	{ "kzalloc", kzalloc_constant },
	{ "kcalloc", kcalloc_variable },
	{ "krealloc, 64 to 1024", krealloc_growth },
	{ "vector, push of 1000", vector_push },
	{ "vector, extend by 4 KiB", vector_extend },
	{ "vector, 4 KiB of one value", vector_of_one_value },
	{ "vector, insert and remove before 512", vector_move },
	{ "vector, retain of 512", vector_retain },
	{ "vector, take out 512", vector_take },
	{ "kmemdup, 4 KiB", memdup },
	{ "vmalloc, 1 MiB", vmalloc_1m },
	{ "kvmalloc, 4 KiB", kvmalloc_4k },
	{ "kvmalloc, 1 MiB", kvmalloc_1m },
	{ "pages, order 0", pages_0 },
	{ "pages, order 3", pages_3 },
	{ "slab", slab },
	{ "slab with constructor", slab_constructor },
	{ "slab, bulk of 16", slab_bulk },
	{ "slab, bulk of 16 for a loop", slab_loop },
	{ "mempool", mempool },
	{ "objpool, pop and push", objpool },
	{ "kmalloc_nolock", nolock },
	{ "kmalloc and kfree_rcu", rcu },
	{ "per-CPU increment", percpu_inc },
	{ "spinlock, closure", spinlock },
	{ "spinlock, section!", spinlock },
	{ "kmalloc in a spinlock", locked },
	{ "kmalloc in a spinlock section!", locked },
	{ "count in a local lock", local_locked },
	{ "kmalloc with interrupts off", irqs_off },
	{ "devm_kzalloc", devm },
	{ "dma_alloc_coherent, 4 KiB", dma_coherent },
	{ "dma_pool_zalloc", dma_pool },
	{ "dma_map_single, and unmap", dma_map },
	{ "dma_sync_single, both ways", dma_sync },
};

bench_fn bench_c(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (!strcmp(operations[i].name, name))
			return operations[i].fn;
	return NULL;
}

static void construct_session(void *p)
{
	struct session *session = p;

	spin_lock_init(&session->lock);
	session->id = 0;
}

static void bench_c_free(void)
{
	dma_pool_destroy(descriptors);
	free_percpu(counter);
	mempool_destroy(reserve);
	kmem_cache_destroy(session_cache);
	kmem_cache_destroy(object_cache);
}

int bench_c_init(struct device *dev)
{
	device = dev;
	descriptors = dma_pool_create("bench_c_descriptor", dev, sizeof(struct object), 0, 0);
	object_cache = kmem_cache_create("bench_c_object", sizeof(struct object), 0, SLAB_NO_MERGE, NULL);
	session_cache = kmem_cache_create("bench_c_session", sizeof(struct session), 0, SLAB_NO_MERGE,
					  construct_session);
	reserve = mempool_create_kmalloc_pool(4, sizeof(struct object));
	counter = alloc_percpu(u64);
	if (object_cache && session_cache && reserve && counter && descriptors &&
	    !objpool_init(&pool, 16, sizeof(struct object), GFP_KERNEL, NULL, NULL, NULL))
		return 0;
	bench_c_free();
	return -ENOMEM;
}

void bench_c_exit(void)
{
	objpool_free(&pool);
	bench_c_free();
}

/* The counter that QEMU's -icount has count instructions: on x86 of time stamps, on arm64 of the generic timer. */
static __always_inline u64 instructions_now(void)
{
#ifdef CONFIG_X86
	return rdtsc_ordered();
#else
	return __arch_counter_get_cntvct();
#endif
}

/* Instructions of a call of @fn; U64_MAX if interrupted. */
static u64 window(bench_fn fn, unsigned long turns, bool irqs_off)
{
	unsigned long flags = 0, tick, interrupts, switches;
	u64 count;

	if (irqs_off)
		local_irq_save(flags);
	tick = jiffies;
	interrupts = kstat_cpu_irqs_sum(raw_smp_processor_id());
	switches = current->nvcsw + current->nivcsw;
	count = instructions_now();
	fn(turns);
	count = instructions_now() - count;
	if (tick != jiffies || interrupts != kstat_cpu_irqs_sum(raw_smp_processor_id()) ||
	    switches != current->nvcsw + current->nivcsw)
		count = U64_MAX;
	if (irqs_off)
		local_irq_restore(flags);
	return count;
}

int bench_count(const bench_fn *sides, s64 *instructions, unsigned int nr, unsigned long turns, bool irqs_off)
{
	u64 least[4][2];

	if (nr > ARRAY_SIZE(least))
		return -EINVAL;
	memset(least, 0xff, sizeof(least));
	for (int i = 0; i < WINDOWS; i++) {
		for (unsigned int side = 0; side < nr; side++) {
			for (int twice = 0; twice < 2; twice++) {
				/* Each finds the same: no areas of vmalloc that are still to be unmapped. */
				if (!irqs_off)
					vm_unmap_aliases();
				least[side][twice] = min(least[side][twice],
							 window(sides[side], turns << twice, irqs_off));
			}
		}
	}
	if (failures)
		return -ENOMEM;
	for (unsigned int side = 0; side < nr; side++) {
		if (least[side][0] == U64_MAX || least[side][1] == U64_MAX)
			return -EAGAIN;
		instructions[side] = least[side][1] - least[side][0];
	}
	return 0;
}
