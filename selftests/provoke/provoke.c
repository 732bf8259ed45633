// SPDX-License-Identifier: GPL-2.0
/* Provokes a report of the kernel, of one kind at each load, for the test `log`. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static char *report = "warn";
module_param(report, charp, 0444);
MODULE_PARM_DESC(report, "which report to provoke");

/* What the compiler must not see through. */
static int volatile forty = 40;
static void *volatile sink;

static void nothing(void)
{
}

static void warn(void)
{
	WARN(1, "on purpose");
}

static void oops(void)
{
	*(int volatile *)(unsigned long)forty = 1;
}

static void schedule_in_atomic(void)
{
	preempt_disable();
	schedule();
	/* The scheduler may have mended it. */
	if (preempt_count())
		preempt_enable();
}

static void sleep_in_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	kfree(kmalloc(64, GFP_KERNEL));
	spin_unlock(&lock);
}

static void spin(unsigned long duration)
{
	unsigned long end = jiffies + duration;

	while (time_before(jiffies, end))
		cpu_relax();
}

/*
 * Returns long after rcu_cpu_stall_timeout, which must be 3 seconds. (With PROVE_RCU the kernel waits 5 more.) RCU's thread
 * begins the grace period that waits for this CPU; when it was woken on this CPU it gets the CPU first.
 */
static void stall(void)
{
	unsigned long before;

	for (;;) {
		preempt_disable();
		before = start_poll_synchronize_rcu();
		spin(HZ / 10);
		if (get_state_synchronize_rcu() != before)
			break;
		preempt_enable();
		schedule_timeout_uninterruptible(1);
	}
	spin(12 * HZ);
	preempt_enable();
}

static void use_after_free(void)
{
	int *memory = kmalloc(64, GFP_KERNEL);

	kfree(memory);
	if (memory)
		sink = (void *)(long)READ_ONCE(*memory);
}

static void shift_too_far(void)
{
	sink = (void *)(long)(1 << forty);
}

static void count_from_nothing(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	if (refcount_dec_and_test(&count))
		refcount_inc(&count);
}

static void do_nothing(struct work_struct *work)
{
}

static void queue_where_nobody_should(void)
{
	static DECLARE_WORK(work, do_nothing);

	queue_work(system_wq, &work);
	cancel_work_sync(&work);
}

static void corrupt_list(void)
{
	LIST_HEAD(head);
	LIST_HEAD(other);
	struct list_head entry;

	head.prev = &other;
	list_add_tail(&entry, &head);
}

static void unmap_what_is_not_mapped(void)
{
	struct platform_device *device = platform_device_register_simple("kalloc_provoke", 0, NULL, 0);

	if (IS_ERR(device))
		return;
	if (!dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(64)))
		dma_unmap_single(&device->dev, 0x1000, 64, DMA_TO_DEVICE);
	platform_device_unregister(device);
}

static void expired(struct timer_list *timer)
{
}

static void set_up_a_timer_that_runs(void)
{
	static struct timer_list timer;

	timer_setup(&timer, expired, 0);
	mod_timer(&timer, jiffies + 1000 * HZ);
	timer_setup(&timer, expired, 0);
	timer_delete_sync(&timer);
}

/* Nobody but SLUB looks: the compiler adds no check. */
static void __no_sanitize_address write_past_an_object(void)
{
	struct kmem_cache *cache = kmem_cache_create("kalloc_provoke", 64, 8, SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE, NULL);
	char volatile *object = cache ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;

	if (object) {
		object[64] = 1;
		kmem_cache_free(cache, (void *)object);
	}
	kmem_cache_destroy(cache);
}

static void __no_sanitize_address write_to_a_free_page(void)
{
	char volatile *page = (char *)__get_free_page(GFP_KERNEL);
	struct page *again;
	LIST_HEAD(pages);

	if (!page)
		return;
	free_page((unsigned long)page);
	page[100] = 1;
	for (int i = 0; i < 1000; i++) {
		again = alloc_page(GFP_KERNEL);
		if (!again)
			break;
		list_add(&again->lru, &pages);
		if (page_address(again) == page)
			break;
	}
	while ((again = list_first_entry_or_null(&pages, struct page, lru))) {
		list_del(&again->lru);
		__free_page(again);
	}
}

static void free_a_page_in_use(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page)
		return;
	page->mapping = (void *)&sink;
	__free_page(page);
}

static void forget_memory(void)
{
	for (int i = 0; i < 16; i++)
		sink = kmalloc(200, GFP_KERNEL);
	sink = NULL;
}

static void read_without_rcu(void)
{
	static void __rcu *pointer;

	sink = rcu_dereference(pointer);
}

static void lock_in_a_circle(void)
{
	static DEFINE_MUTEX(one);
	static DEFINE_MUTEX(two);

	mutex_lock(&one);
	mutex_lock(&two);
	mutex_unlock(&two);
	mutex_unlock(&one);
	mutex_lock(&two);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&two);
}

static void lock_alike_in_each_other(void)
{
	static spinlock_t locks[2];

	for (int i = 0; i < 2; i++)
		spin_lock_init(&locks[i]);
	spin_lock(&locks[0]);
	spin_lock(&locks[1]);
	spin_unlock(&locks[1]);
	spin_unlock(&locks[0]);
}

static DEFINE_RAW_SPINLOCK(irq_lock);

static void lock_in_irq(struct irq_work *work)
{
	raw_spin_lock(&irq_lock);
	raw_spin_unlock(&irq_lock);
}

static void lock_in_and_out_of_irq(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(lock_in_irq);

	irq_work_queue(&work);
	irq_work_sync(&work);
	raw_spin_lock(&irq_lock);
	raw_spin_unlock(&irq_lock);
}

/* Right on this kernel, and not on PREEMPT_RT. With the debugging of SLUB each call takes a lock. */
static void allocate_in_a_raw_lock(void)
{
	static DEFINE_RAW_SPINLOCK(lock);

	raw_spin_lock(&lock);
	kfree(kmalloc(64, GFP_ATOMIC));
	raw_spin_unlock(&lock);
}

static void unlock_what_is_not_locked(void)
{
#ifdef CONFIG_LOCKDEP
	static struct lock_class_key key;
	static struct lockdep_map map = STATIC_LOCKDEP_MAP_INIT("kalloc_provoke", &key);

	lock_map_release(&map);
#endif
}

static const struct {
	const char *name;
	void (*provoke)(void);
} reports[] = {
	{ "nothing", nothing },
	{ "warn", warn },
	{ "oops", oops },
	{ "atomic", schedule_in_atomic },
	{ "sleeping", sleep_in_atomic },
	{ "stall", stall },
	{ "kasan", use_after_free },
	{ "ubsan", shift_too_far },
	{ "refcount", count_from_nothing },
	{ "list", corrupt_list },
	{ "deprecated", queue_where_nobody_should },
	{ "dma-api", unmap_what_is_not_mapped },
	{ "debug-objects", set_up_a_timer_that_runs },
	{ "slub", write_past_an_object },
	{ "page-poison", write_to_a_free_page },
	{ "page-state", free_a_page_in_use },
	{ "kmemleak", forget_memory },
	{ "suspicious-rcu", read_without_rcu },
	{ "circular", lock_in_a_circle },
	{ "recursive", lock_alike_in_each_other },
	{ "lock-state", lock_in_and_out_of_irq },
	{ "wait-context", allocate_in_a_raw_lock },
	{ "lock-usage", unlock_what_is_not_locked },
};

static int __init provoke_init(void)
{
	for (int i = 0; i < ARRAY_SIZE(reports); i++) {
		if (strcmp(report, reports[i].name))
			continue;
		pr_info("KTAP version 1\n");
		pr_info("1..2\n");
		pr_info("ok 1 before\n");
		reports[i].provoke();
		pr_info("ok 2 %s\n", report);
		return 0;
	}
	return -EINVAL;
}
module_init(provoke_init);

static void __exit provoke_exit(void)
{
}
module_exit(provoke_exit);

MODULE_DESCRIPTION("Provokes reports of the kernel");
MODULE_LICENSE("GPL");
