// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the module of a function, and counts the work items, threads and open files through which
 * the kernel still runs code of that module.
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kconfig.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/preempt.h>
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
 * kalloc's record of a module. Each module that is loaded after kalloc has one from COMING to
 * GOING, since any of them may instantiate generic functions that run as work items or threads. A
 * work item may outlive the module: it keeps a reference to the record, and finds it closed.
 */
struct kalloc_module {
	struct list_head list;
	struct module *module;
	refcount_t refs;
	struct rcu_head rcu;
	/* Queued or running work items, threads and open files. Negative when closed. */
	atomic_long_t in_flight;
	/* True if raising in_flight was tried since the last synchronize_rcu_tasks(). */
	bool used;
	/* The task that loads the module, and runs its init. Only compared, since it may be gone. */
	const struct task_struct *loader;
	/* The module's init has begun. */
	bool entered;
	/* The state that kalloc::module! keeps for the module, and the function that drops it. */
	void *root;
	void (*end)(void *root);
	/* See callbacks.c. No callback is armed once `closed` is set. */
	struct list_head callbacks;
	bool closed;
	unsigned int pass;
	/* Queued ends of callbacks that run code of the module, counted by the phase they began in. */
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

/* The record for addresses outside of all known modules. It is closed. */
static struct kalloc_module no_module = {
	.refs = REFCOUNT_INIT(1),
	.in_flight = ATOMIC_LONG_INIT(LONG_MIN),
	.callbacks = LIST_HEAD_INIT(no_module.callbacks),
	.closed = true,
};

/**
 * kalloc_helper_module_of() - Find the record of the module that holds a function.
 * @function: address of the function
 *
 * Context: Any context, NMI included.
 * Return: The record, with a reference that kalloc_helper_module_put() drops.
 */
struct kalloc_module *kalloc_helper_module_of(const void *function)
{
	struct kalloc_module *record, *found = &no_module;

	if (within_module((unsigned long)function, THIS_MODULE))
		return &own_module;
	rcu_read_lock();
	list_for_each_entry_rcu(record, &kalloc_modules, list) {
		/* A record without references has been removed from the list. */
		if (within_module((unsigned long)function, record->module) &&
		    refcount_inc_not_zero(&record->refs)) {
			found = record;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* In any context but an NMI. */
void kalloc_helper_module_put(struct kalloc_module *record)
{
	if (record == &own_module || record == &no_module)
		return;
	if (refcount_dec_and_test(&record->refs))
		kfree_rcu(record, rcu);
}

/*
 * Counts one more in flight. Returns false if the record is closed. Code of the module calls this,
 * and has still to return when it fails.
 *
 * Memory ordering: if it succeeds, it is fully ordered after the write of `used`, and
 * kalloc_helper_in_flight_dec() is a release. All changes of in_flight are atomic
 * read-modify-writes, so the acquire that reads LONG_MIN in close_module() pairs with each of these
 * releases, and then `used` is seen. If it fails, it orders nothing. What then waits for the caller
 * orders `used` too: for open() of a misc device misc_mtx, which misc_deregister() takes.
 */
bool kalloc_helper_in_flight_inc(struct kalloc_module *record)
{
	if (!READ_ONCE(record->used))
		WRITE_ONCE(record->used, true);
	return atomic_long_inc_unless_negative(&record->in_flight);
}

/*
 * Counts one less in flight. The module's code has finished, except for the return to the kernel.
 * The record may be freed before this returns.
 */
void kalloc_helper_in_flight_dec(struct kalloc_module *record)
{
	atomic_long_dec_return_release(&record->in_flight);
}

/*
 * Only a hint for threads that are asked to stop, and orders nothing. A thread that sleeps on the
 * record is woken: kalloc_helper_wake_up_var() has the barrier.
 */
bool kalloc_helper_module_is_closed(const struct kalloc_module *record)
{
	return atomic_long_read(&record->in_flight) < 0;
}

/* Closes the record and waits until nothing is in flight. Logs the reason of a long wait. */
static void close_module(struct kalloc_module *record)
{
	unsigned long warn_at = jiffies + 10 * HZ;
	long count;

	/* Unordered by itself. The barrier before the wakeup orders it. */
	atomic_long_or(LONG_MIN, &record->in_flight);
	kalloc_helper_wake_up_var(record);
	while ((count = atomic_long_read_acquire(&record->in_flight)) != LONG_MIN) {
		fsleep(USEC_PER_MSEC);
		if (warn_at && time_after(jiffies, warn_at)) {
			pr_notice("%s: unload waits for %ld work items, threads or open files\n",
				  record->module->name, count - LONG_MIN);
			warn_at = 0;
		}
	}
	/* A task that has called kalloc_helper_in_flight_dec() may not have left the module's text. */
	if (READ_ONCE(record->used)) {
		WRITE_ONCE(record->used, false);
		kalloc_helper_synchronize_rcu_tasks();
	}
}

/*
 * In any context. The caller runs in the module or its notifier, so the record is not removed
 * meanwhile.
 */
static struct kalloc_module *find_module_record(struct module *module)
{
	struct kalloc_module *record, *found = NULL;

	if (module == THIS_MODULE)
		return &own_module;
	rcu_read_lock();
	list_for_each_entry_rcu(record, &kalloc_modules, list) {
		if (record->module == module) {
			found = record;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* Whether the caller may sleep, as far as the kernel knows: may_sleep_here() is the strict form. */
static bool task_may_sleep(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		return in_task() && !irqs_disabled();
	return may_sleep_here();
}

/**
 * kalloc_helper_module_enter() - Begin a module's init.
 * @module: the module
 *
 * The kernel runs a module's init once, and no other code of the module before. Safe code of a
 * module of the kernel crate's module! can call this from elsewhere, for example from a work item
 * or with a lock held. kalloc's notifier gets no events of kalloc itself, so the record of kalloc
 * has no loading task, and its init is not checked.
 *
 * Context: Any context.
 * Return: 0, -ENOENT if the module has no record, or -EBUSY if this is not its init, in the task
 * that loads the module and where that may sleep.
 */
int kalloc_helper_module_enter(struct module *module)
{
	struct kalloc_module *record = find_module_record(module);

	if (!record)
		return -ENOENT;
	if (module->state != MODULE_STATE_COMING)
		return -EBUSY;
	if (module != THIS_MODULE && (record->loader != current || !task_may_sleep()))
		return -EBUSY;
	return xchg(&record->entered, true) ? -EBUSY : 0;
}

/**
 * kalloc_helper_module_close() - Close a module's record and wait until nothing is in flight.
 * @module: the module
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_module_close(struct module *module)
{
	struct kalloc_module *record = find_module_record(module);

	if (record)
		close_module(record);
}

/* After kalloc_helper_module_enter() has succeeded. */
void kalloc_helper_module_set_root(struct module *module, void *root, void (*end)(void *root))
{
	struct kalloc_module *record = find_module_record(module);

	record->end = end;
	record->root = root;
}

/* Ends a module of kalloc::module!: drops the state that it keeps for the module. */
static void end_root(struct module *module)
{
	struct kalloc_module *record = find_module_record(module);

	if (record && record->root)
		record->end(record->root);
}

/**
 * kalloc_helper_module_exit() - End kalloc itself.
 * @module: the module whose exit calls this
 *
 * Other modules end in kalloc's module notifier, in the task that unloads them: safe code can call
 * their exit from elsewhere, for example in another task that the module waits for, or with a lock
 * held. kalloc's notifier gets no events of kalloc itself, so kalloc ends here.
 *
 * Context: Any context. Process context for kalloc itself, whose exit no other code can call.
 */
void kalloc_helper_module_exit(struct module *module)
{
	if (module == THIS_MODULE)
		end_root(module);
}

/**
 * kalloc_helper_module_wait_unused() - Wait until only a failed init holds the module.
 * @module: the module
 * @err: the error of its init, for the log
 *
 * do_init_module() frees a module whose init fails without looking at its reference count, while a
 * file of its misc device may be open.
 *
 * Context: Process context. May sleep.
 * Return: False if the loading task was killed. The module must then stay loaded.
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
	pr_notice("%s: its init failed with %d, and it is still in use: the module stays loaded until rmmod\n",
		  module->name, err);
	return false;
}

static int add_module_record(struct module *module)
{
	struct kalloc_module *record = kmalloc_obj(*record);

	if (!record)
		return -ENOMEM;
	*record = (struct kalloc_module){
		.module = module,
		.loader = current,
		.refs = REFCOUNT_INIT(1),
	};
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

/* When kalloc is unloaded. No module uses it any more. */
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
