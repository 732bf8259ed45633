// SPDX-License-Identifier: GPL-2.0
/* Objects that the kernel calls back, and their end: when their owner is dropped, and when their module is unloaded. */

#include <linux/atomic.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "helpers.h"

/*
 * Ends objects whose owner was dropped where the code could not wait for them. It runs drops of drivers, which may do
 * anything that sleeps, so it has no WQ_MEM_RECLAIM, and is not the queue that frees memory.
 */
static struct workqueue_struct *callback_wq;

/* For the lists of all modules. */
static DEFINE_RAW_SPINLOCK(callbacks_lock);

/* `function` is what the kernel calls, or is instantiated with it. */
void kalloc_helper_callback_init(struct kalloc_callback *callback, void (*wait)(struct kalloc_callback *callback),
				 const void *function)
{
	*callback = (struct kalloc_callback){ .module = kalloc_helper_module_of(function), .wait = wait };
	INIT_LIST_HEAD(&callback->list);
}

/* For one that is not in the list. */
void kalloc_helper_callback_exit(struct kalloc_callback *callback)
{
	kalloc_helper_module_put(callback->module);
}

/* Whether the module ends, so that nothing is to be armed and no more code of it to run. */
bool kalloc_helper_callback_is_closed(const struct kalloc_callback *callback)
{
	return READ_ONCE(callback->module->closed);
}

/* Whether its module does not end. What was not added is the caller's, to be dropped all the same. */
bool kalloc_helper_callback_add(struct kalloc_callback *callback)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	list_add_tail(&callback->list, &callback->module->callbacks);
	raw_spin_unlock_irqrestore(&callbacks_lock, flags);
	return !kalloc_helper_callback_is_closed(callback);
}

/* Waits until it does not run, and takes it from the list. It is the caller's from then on. */
void kalloc_helper_callback_remove(struct kalloc_callback *callback)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	while (callback->busy) {
		raw_spin_unlock_irqrestore(&callbacks_lock, flags);
		wait_var_event(&callback->busy, !smp_load_acquire(&callback->busy));
		raw_spin_lock_irqsave(&callbacks_lock, flags);
	}
	list_del_init(&callback->list);
	raw_spin_unlock_irqrestore(&callbacks_lock, flags);
}

static void end_callback(struct work_struct *work)
{
	struct kalloc_callback *callback = container_of(work, struct kalloc_callback, work);
	struct kalloc_module *module = callback->ending;
	atomic_t *ending = &module->ending[callback->phase];

	callback->end(callback);
	/* The code of the module has returned. */
	if (atomic_dec_and_test(ending))
		wake_up_var(ending);
	kalloc_helper_module_put(module);
}

/* Leaves the end of an object to the workqueue. In every context but an NMI. */
void kalloc_helper_callback_end_later(struct kalloc_callback *callback, void (*end)(struct kalloc_callback *callback))
{
	callback->end = end;
	callback->ending = kalloc_helper_module_of(end);
	callback->phase = READ_ONCE(callback->ending->phase);
	atomic_inc(&callback->ending->ending[callback->phase]);
	INIT_WORK(&callback->work, end_callback);
	queue_work(callback_wq, &callback->work);
}

static void wait_for_phase(atomic_t *ending)
{
	wait_var_event(ending, !atomic_read_acquire(ending));
}

/* Waits for what the module dropped before. A callback that runs may drop more, again and again. */
static void wait_for_earlier_ends(struct kalloc_module *module)
{
	unsigned int phase = module->phase;

	WRITE_ONCE(module->phase, !phase);
	wait_for_phase(&module->ending[phase]);
}

/*
 * Waits for all that the module has dropped, when no callback runs. What they drop in turn is counted before they end, and
 * in this phase.
 */
static void wait_for_ends(struct kalloc_module *module)
{
	wait_for_phase(&module->ending[!module->phase]);
	wait_for_phase(&module->ending[module->phase]);
}

/* Lets no more be armed. Whether the module has objects. */
static bool close_callbacks(struct kalloc_module *module)
{
	unsigned long flags;
	bool any;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	WRITE_ONCE(module->closed, true);
	any = !list_empty(&module->callbacks);
	raw_spin_unlock_irqrestore(&callbacks_lock, flags);
	return any;
}

/* An object of the module that has not been waited for in this pass. It stays while it is busy. */
static struct kalloc_callback *next_callback(struct kalloc_module *module, unsigned int pass)
{
	struct kalloc_callback *callback, *next = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	list_for_each_entry(callback, &module->callbacks, list) {
		if (callback->pass != pass) {
			callback->pass = pass;
			WRITE_ONCE(callback->busy, true);
			next = callback;
			break;
		}
	}
	raw_spin_unlock_irqrestore(&callbacks_lock, flags);
	return next;
}

static void wait_for_callbacks(struct kalloc_module *module)
{
	unsigned int pass = ++module->pass;
	struct kalloc_callback *callback;

	while ((callback = next_callback(module, pass))) {
		callback->wait(callback);
		/* It may be gone when it is not busy; waking needs no more than the address. */
		store_release_wake_up(&callback->busy, false);
	}
}

/* What the module leaked or has in a static, or what another module owns. None of it is armed again. */
static void forget_callbacks(struct kalloc_module *module)
{
	struct kalloc_callback *callback, *next;
	unsigned long flags;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	list_for_each_entry_safe(callback, next, &module->callbacks, list) {
		list_del_init(&callback->list);
		/* Nothing leads to what is in a static of a module that has gone. */
		kmemleak_not_leak(callback);
	}
	raw_spin_unlock_irqrestore(&callbacks_lock, flags);
}

/*
 * Waits for what the module has dropped, and stops what it never will. An object is armed on the RCU read side, if it is
 * not closed: after the grace period nothing is armed any more, by whatever code of the module still runs. A callback that
 * runs then has begun before, and is waited for; what it makes is refused.
 */
static void end_callbacks(struct kalloc_module *module)
{
	wait_for_earlier_ends(module);
	if (close_callbacks(module)) {
		synchronize_rcu();
		wait_for_callbacks(module);
	}
	wait_for_ends(module);
	forget_callbacks(module);
}

void kalloc_helper_callbacks_end(struct module *mod)
{
	struct kalloc_module *module = find_module_record(mod);

	if (module)
		end_callbacks(module);
}

/* A module that is not one of kalloc::module! does not ask for its end. */
static int module_changes(struct notifier_block *block, unsigned long state, void *mod)
{
	switch (state) {
	case MODULE_STATE_COMING:
		return notifier_from_errno(add_module_record(mod));
	case MODULE_STATE_GOING:
		end_root(mod);
		kalloc_helper_module_close(mod);
		kalloc_helper_callbacks_end(mod);
		remove_module_record(mod);
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = { .notifier_call = module_changes };

int kalloc_helper_callbacks_create(void)
{
	int err;

	callback_wq = alloc_workqueue("kalloc_callbacks", WQ_UNBOUND, 0);
	if (!callback_wq)
		return -ENOMEM;
	err = register_module_notifier(&module_notifier);
	if (err)
		destroy_workqueue(callback_wq);
	return err;
}

void kalloc_helper_callbacks_destroy(void)
{
	unregister_module_notifier(&module_notifier);
	remove_module_records();
	destroy_workqueue(callback_wq);
}
