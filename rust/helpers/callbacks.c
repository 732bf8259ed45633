// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks: timers, irq_works and other objects that the kernel calls back. An object ends when
 * its owner is dropped. Objects that are never dropped are stopped when their module is unloaded.
 */

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
 * Ends objects whose owner was dropped where waiting for the callback was not possible. It runs
 * drops of drivers, which may allocate and sleep, so it is not WQ_MEM_RECLAIM and not deferred_wq.
 */
static struct workqueue_struct *callback_wq;

/* Protects kalloc_module.callbacks and .closed of all modules. */
static DEFINE_RAW_SPINLOCK(callbacks_lock);

/**
 * kalloc_helper_callback_init() - Initialise a callback.
 * @callback: the callback, not yet listed
 * @wait: stops the object and waits for a callback that is running
 * @function: a function in the module whose code the kernel calls
 *
 * Takes a reference on the record of the module, which kalloc_helper_callback_exit() drops.
 *
 * Context: Any context.
 */
void kalloc_helper_callback_init(struct kalloc_callback *callback,
				 void (*wait)(struct kalloc_callback *callback),
				 const void *function)
{
	*callback = (struct kalloc_callback){ .module = kalloc_helper_module_of(function), .wait = wait };
	INIT_LIST_HEAD(&callback->list);
}

/* The callback is not listed. In any context but an NMI. */
void kalloc_helper_callback_exit(struct kalloc_callback *callback)
{
	kalloc_helper_module_put(callback->module);
}

/*
 * True when the module is being unloaded: the object must not be armed, nor call the module.
 *
 * Memory ordering: who arms an object reads `closed` under rcu_read_lock(), and end_callbacks() waits
 * for a grace period after it has set it. By the guarantee of RCU a reader that still sees false has
 * armed the object before the grace period ends.
 */
bool kalloc_helper_callback_is_closed(const struct kalloc_callback *callback)
{
	return READ_ONCE(callback->module->closed);
}

/**
 * kalloc_helper_callback_add() - Add a callback to the list of its module.
 * @callback: the callback
 *
 * Context: Any context but an NMI.
 * Return: False if the module is being unloaded. The callback is listed all the same, and the
 * caller drops its owner.
 */
bool kalloc_helper_callback_add(struct kalloc_callback *callback)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	list_add_tail(&callback->list, &callback->module->callbacks);
	raw_spin_unlock_irqrestore(&callbacks_lock, flags);
	return !kalloc_helper_callback_is_closed(callback);
}

/**
 * kalloc_helper_callback_remove() - Take a callback off the list of its module.
 * @callback: the callback
 *
 * Waits while wait_for_callbacks() uses the callback. Afterwards only the caller does.
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_callback_remove(struct kalloc_callback *callback)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	/* Pairs with the release in wait_for_callbacks(), which is outside of the lock. */
	while (smp_load_acquire(&callback->busy)) {
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
	/*
	 * The code of the module has returned. Fully ordered: pairs with the acquire in
	 * wait_for_phase(), and comes before the check for waiters in wake_up_var().
	 */
	if (atomic_dec_and_test(ending))
		wake_up_var(ending);
	kalloc_helper_module_put(module);
}

/**
 * kalloc_helper_callback_end_later() - Let the workqueue end an object.
 * @callback: the callback of the object
 * @end: drops and frees the object; code of the module that dropped the owner
 *
 * Unloading that module waits for @end.
 *
 * Context: Any context but an NMI.
 */
void kalloc_helper_callback_end_later(struct kalloc_callback *callback,
				      void (*end)(struct kalloc_callback *callback))
{
	callback->end = end;
	callback->ending = kalloc_helper_module_of(end);
	/*
	 * A phase that is not the current one any more is waited for, too: in wait_for_ends(), when no
	 * code of the module runs that could be between the two lines. queue_work() orders the
	 * increment before the decrement.
	 */
	callback->phase = READ_ONCE(callback->ending->phase);
	atomic_inc(&callback->ending->ending[callback->phase]);
	INIT_WORK(&callback->work, end_callback);
	queue_work(callback_wq, &callback->work);
}

static void wait_for_phase(atomic_t *ending)
{
	wait_var_event(ending, !atomic_read_acquire(ending));
}

/*
 * Waits for the ends that are already queued. A running callback may queue more without end, so new
 * ones are counted in the other phase.
 */
static void wait_for_earlier_ends(struct kalloc_module *module)
{
	unsigned int phase = module->phase;

	WRITE_ONCE(module->phase, !phase);
	wait_for_phase(&module->ending[phase]);
}

/*
 * Waits for all ends, once no callback runs. An end that queues further ends counts them before it
 * returns, in the current phase.
 */
static void wait_for_ends(struct kalloc_module *module)
{
	wait_for_phase(&module->ending[!module->phase]);
	wait_for_phase(&module->ending[module->phase]);
}

/* Forbids arming. Returns true if the module has listed callbacks. */
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

/* Finds a callback that this pass has not visited, and marks it busy so that it stays allocated. */
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
		/* It may be freed once it is not busy. Waking up uses only the address. */
		store_release_wake_up(&callback->busy, false);
	}
}

/* Unlists callbacks that are leaked, in a static or owned by another module. All are disarmed. */
static void forget_callbacks(struct kalloc_module *module)
{
	struct kalloc_callback *callback, *next;
	unsigned long flags;

	raw_spin_lock_irqsave(&callbacks_lock, flags);
	list_for_each_entry_safe(callback, next, &module->callbacks, list) {
		list_del_init(&callback->list);
		/* kmemleak finds no reference to it once the module's statics are freed. */
		kmemleak_not_leak(callback);
	}
	raw_spin_unlock_irqrestore(&callbacks_lock, flags);
}

/*
 * Waits for the objects that the module has dropped, and stops those that it has not. Arming
 * happens under rcu_read_lock() and checks `closed`. After the grace period no code of the module
 * can arm an object. A callback that runs at that time started earlier: wait_for_callbacks() waits
 * for it, and new objects that it creates are refused.
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

/**
 * kalloc_helper_callbacks_end() - End all callbacks of a module.
 * @mod: the module, which is being unloaded or whose init has failed
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_callbacks_end(struct module *mod)
{
	struct kalloc_module *module = find_module_record(mod);

	if (module)
		end_callbacks(module);
}

/* A module that was not made by kalloc::module! does not end its callbacks itself. */
static int module_changes(struct notifier_block *block, unsigned long state, void *mod)
{
	switch (state) {
	case MODULE_STATE_COMING:
		return notifier_from_errno(add_module_record(mod));
	case MODULE_STATE_GOING:
		end_root(mod);
		kalloc_helper_module_close(mod);
		kalloc_helper_callbacks_end(mod);
		/* Until its device was deregistered a file may have failed to open. */
		kalloc_helper_module_close(mod);
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
