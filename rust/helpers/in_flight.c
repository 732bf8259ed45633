// SPDX-License-Identifier: GPL-2.0
/* Which module a function is in, and what of that module's code the kernel has still to run: work items, threads and open files. */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "helpers.h"

/*
 * kalloc's record of a module. Each module that is loaded after kalloc has one from COMING to GOING: any of them may hold
 * instances of generic functions that run work items or threads. A work item keeps a reference, since it may outlive the
 * module: it then finds the record closed.
 */
struct kalloc_module {
	struct list_head list;
	struct module *module;
	refcount_t refs;
	struct rcu_head rcu;
	/* Work items that are queued or run, threads, and open files. Negative when no more may begin. */
	atomic_long_t in_flight;
	bool used;
	/* Its init has begun. */
	bool entered;
	/* What kalloc::module! has started of it, and what ends that. */
	void *root;
	void (*end)(void *root);
	/* Objects that the kernel calls back: see callbacks.c. No more is armed when they are closed. */
	struct list_head callbacks;
	bool closed;
	unsigned int pass;
	/* Ends of such objects that have still to run code of the module: those of this phase, and older ones. */
	atomic_t ending[2];
	unsigned int phase;
};

static LIST_HEAD(kalloc_modules);
static DEFINE_MUTEX(kalloc_modules_lock);

static struct kalloc_module own_module = {
	.module = THIS_MODULE,
	.refs = REFCOUNT_INIT(1),
	.callbacks = LIST_HEAD_INIT(own_module.callbacks),
};

/* For an address in no module that kalloc knows: nothing may begin there. */
static struct kalloc_module no_module = {
	.refs = REFCOUNT_INIT(1),
	.in_flight = ATOMIC_LONG_INIT(LONG_MIN),
	.callbacks = LIST_HEAD_INIT(no_module.callbacks),
	.closed = true,
};

/* The record of the module that `function` is in, with a reference. In every context, an NMI too. */
struct kalloc_module *kalloc_helper_module_of(const void *function)
{
	struct kalloc_module *record, *found = &no_module;

	if (within_module((unsigned long)function, THIS_MODULE))
		return &own_module;
	rcu_read_lock();
	list_for_each_entry_rcu(record, &kalloc_modules, list) {
		/* One without references is on its way out of the list. */
		if (within_module((unsigned long)function, record->module) && refcount_inc_not_zero(&record->refs)) {
			found = record;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* In every context but an NMI. */
void kalloc_helper_module_put(struct kalloc_module *record)
{
	if (record == &own_module || record == &no_module)
		return;
	if (refcount_dec_and_test(&record->refs))
		kfree_rcu(record, rcu);
}

/* Counts one more in flight, unless the module ends. */
bool kalloc_helper_module_begin(struct kalloc_module *record)
{
	if (!atomic_long_inc_unless_negative(&record->in_flight))
		return false;
	if (!READ_ONCE(record->used))
		WRITE_ONCE(record->used, true);
	return true;
}

/* Counts one less: its code is done, but for returning to the kernel. The record may be gone when this returns. */
void kalloc_helper_module_end(struct kalloc_module *record)
{
	atomic_long_dec_return_release(&record->in_flight);
}

bool kalloc_helper_module_is_closed(const struct kalloc_module *record)
{
	return atomic_long_read(&record->in_flight) < 0;
}

/* Lets no more begin, and waits until nothing is in flight. An administrator is told what a long wait is for. */
static void close_module(struct kalloc_module *record)
{
	unsigned long told = jiffies + 10 * HZ;
	long count;

	atomic_long_or(LONG_MIN, &record->in_flight);
	kalloc_helper_wake_up_var(record);
	while ((count = atomic_long_read_acquire(&record->in_flight)) != LONG_MIN) {
		fsleep(USEC_PER_MSEC);
		if (told && time_after(jiffies, told)) {
			pr_notice("%s: its end waits for %ld work items, threads or open files\n", record->module->name,
				  count - LONG_MIN);
			told = 0;
		}
	}
	/* The last of them may still be on its way back to the kernel. */
	if (READ_ONCE(record->used)) {
		kalloc_helper_synchronize_rcu_tasks();
		WRITE_ONCE(record->used, false);
	}
}

/* For a caller in that module, so that its record stays. */
static struct kalloc_module *find_module_record(struct module *module)
{
	struct kalloc_module *record, *found = NULL;

	if (module == THIS_MODULE)
		return &own_module;
	mutex_lock(&kalloc_modules_lock);
	list_for_each_entry(record, &kalloc_modules, list) {
		if (record->module == module)
			found = record;
	}
	mutex_unlock(&kalloc_modules_lock);
	return found;
}

/* The kernel runs a module's init once, before any other code of it. */
int kalloc_helper_module_enter(struct module *module)
{
	struct kalloc_module *record = find_module_record(module);

	if (!record)
		return -ENOENT;
	if (module->state != MODULE_STATE_COMING)
		return -EBUSY;
	return xchg(&record->entered, true) ? -EBUSY : 0;
}

void kalloc_helper_module_close(struct module *module)
{
	struct kalloc_module *record = find_module_record(module);

	if (record)
		close_module(record);
}

/* For a module that has been entered. */
void kalloc_helper_module_set_root(struct module *module, void *root, void (*end)(void *root))
{
	struct kalloc_module *record = find_module_record(module);

	record->end = end;
	record->root = root;
}

/* Ends what kalloc::module! has started, once. */
static void end_root(struct module *module)
{
	struct kalloc_module *record = find_module_record(module);
	void *root = record ? xchg(&record->root, NULL) : NULL;

	if (root)
		record->end(root);
}

/*
 * Called by the exit of a module that kalloc::module! has made, in the task that unloads it. Where it is called by something
 * else, such as a thread that the module waits for, or in a context that must not sleep, or nobody can tell, the notifier
 * ends the module. kalloc's own has none.
 */
void kalloc_helper_module_exit(struct module *module)
{
	bool unloads = module->state == MODULE_STATE_GOING && !(current->flags & PF_KTHREAD) && kalloc_helper_may_sleep();

	if (module == THIS_MODULE || unloads)
		end_root(module);
}

/*
 * For the end of an init that has failed: do_init_module() frees the module then, whoever uses it. A file of a misc device
 * may be open. Waits until init's own reference is the last. Whoever loads the module may be killed: then it returns false,
 * and the module must stay.
 */
bool kalloc_helper_module_wait_unused(struct module *module, int err)
{
#ifdef CONFIG_MODULE_UNLOAD
	while (module_refcount(module) > 1) {
		if (fatal_signal_pending(current))
			goto stay;
		schedule_timeout_killable(msecs_to_jiffies(10));
	}
	return true;
stay:
#endif
	pr_notice("%s: its init failed with %d, and it is still in use: it stays loaded, empty, until rmmod\n",
		  module->name, err);
	return false;
}

static int add_module_record(struct module *module)
{
	struct kalloc_module *record = kmalloc_obj(*record);

	if (!record)
		return -ENOMEM;
	*record = (struct kalloc_module){ .module = module, .refs = REFCOUNT_INIT(1) };
	INIT_LIST_HEAD(&record->callbacks);
	mutex_lock(&kalloc_modules_lock);
	list_add_rcu(&record->list, &kalloc_modules);
	mutex_unlock(&kalloc_modules_lock);
	return 0;
}

static void remove_module_record(struct module *module)
{
	struct kalloc_module *record = find_module_record(module);

	if (!record)
		return;
	mutex_lock(&kalloc_modules_lock);
	list_del_rcu(&record->list);
	mutex_unlock(&kalloc_modules_lock);
	kalloc_helper_module_put(record);
}

/* When kalloc is unloaded: no module uses it any more. */
static void remove_module_records(void)
{
	struct kalloc_module *record, *next;

	mutex_lock(&kalloc_modules_lock);
	list_for_each_entry_safe(record, next, &kalloc_modules, list) {
		list_del_rcu(&record->list);
		kalloc_helper_module_put(record);
	}
	mutex_unlock(&kalloc_modules_lock);
}
