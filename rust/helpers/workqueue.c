// SPDX-License-Identifier: GPL-2.0

#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

/* An object that the kernel calls back. */
struct kalloc_reap {
	struct work_struct work;
	struct list_head list;
	void (*end)(struct kalloc_reap *reap);
	void (*wait)(struct kalloc_reap *reap);
	/* Its owner was dropped, and it waits for its end. */
	bool queued;
	/* Its module ends: no more code of it is to run. */
	bool closed;
	/* The end of its module waits for it, in that turn. */
	bool busy;
	unsigned int turn;
};

/* The end of an object, which drops what is in it by code of its module. */
struct ending {
	struct list_head list;
	void (*end)(struct kalloc_reap *reap);
};

/* Ends objects whose owner was dropped where the code could not wait for them. */
static struct workqueue_struct *reaper;

/* All objects, and those whose end the reaper is at. */
static LIST_HEAD(reap_list);
static LIST_HEAD(endings);
static DEFINE_RAW_SPINLOCK(reap_lock);

static void end_object(struct work_struct *work)
{
	struct kalloc_reap *reap = container_of(work, struct kalloc_reap, work);
	struct ending ending = { .end = reap->end };
	unsigned long flags;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_add(&ending.list, &endings);
	raw_spin_unlock_irqrestore(&reap_lock, flags);
	ending.end(reap);
	/* The code of its module has returned. */
	raw_spin_lock_irqsave(&reap_lock, flags);
	list_del(&ending.list);
	raw_spin_unlock_irqrestore(&reap_lock, flags);
}

static bool is_of(void (*end)(struct kalloc_reap *reap), struct module *mod)
{
	return within_module((unsigned long)end, mod);
}

/* Whether the reaper has still to do for the module: the end of an object may have dropped others. */
static bool is_ending(struct module *mod)
{
	struct kalloc_reap *reap;
	struct ending *ending;
	unsigned long flags;
	bool found = false;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_for_each_entry(ending, &endings, list)
		found |= is_of(ending->end, mod);
	list_for_each_entry(reap, &reap_list, list)
		found |= READ_ONCE(reap->queued) && is_of(reap->end, mod);
	raw_spin_unlock_irqrestore(&reap_lock, flags);
	return found;
}

/* Whether the module has objects that were not closed before. */
static bool close_objects(struct module *mod)
{
	struct kalloc_reap *reap;
	unsigned long flags;
	bool fresh = false;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_for_each_entry(reap, &reap_list, list) {
		if (is_of(reap->end, mod) && !reap->closed) {
			WRITE_ONCE(reap->closed, true);
			fresh = true;
		}
	}
	raw_spin_unlock_irqrestore(&reap_lock, flags);
	return fresh;
}

/* An object of the module that has not been waited for in this turn. It stays while it is busy. */
static struct kalloc_reap *next_object(struct module *mod, unsigned int turn)
{
	struct kalloc_reap *reap, *next = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_for_each_entry(reap, &reap_list, list) {
		if (is_of(reap->end, mod) && reap->turn != turn) {
			reap->turn = turn;
			WRITE_ONCE(reap->busy, true);
			next = reap;
			break;
		}
	}
	raw_spin_unlock_irqrestore(&reap_lock, flags);
	return next;
}

static void wait_for_objects(struct module *mod, unsigned int turn)
{
	struct kalloc_reap *reap;

	while ((reap = next_object(mod, turn))) {
		reap->wait(reap);
		/* It may be gone when it is not busy; waking needs no more than the address. */
		store_release_wake_up(&reap->busy, false);
	}
}

static void forget_objects(struct module *mod)
{
	struct kalloc_reap *reap, *next;
	unsigned long flags;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_for_each_entry_safe(reap, next, &reap_list, list) {
		if (!is_of(reap->end, mod))
			continue;
		list_del(&reap->list);
		/* Nothing leads to what is in a static of a module that has gone. */
		kmemleak_not_leak(reap);
	}
	raw_spin_unlock_irqrestore(&reap_lock, flags);
}

/*
 * Waits for all that the module has dropped, and stops what it never will: what it leaked, or has in a static. A callback
 * that ran when its object was closed may have started others, which the second turn stops: by then none of them does
 * anything.
 */
void kalloc_helper_reaper_end(struct module *mod)
{
	unsigned int turn = 0;
	bool fresh;

	/* At the end of kalloc's own module. */
	if (!reaper)
		return;
	do {
		flush_workqueue(reaper);
		fresh = close_objects(mod);
		wait_for_objects(mod, ++turn);
	} while (fresh || is_ending(mod));
	forget_objects(mod);
}

/* A module that is not one of kalloc::module! does not ask for its end. */
static int module_changes(struct notifier_block *block, unsigned long state, void *mod)
{
	switch (state) {
	case MODULE_STATE_COMING:
		return notifier_from_errno(add_module_record(mod));
	case MODULE_STATE_GOING:
		kalloc_helper_module_close(mod);
		kalloc_helper_reaper_end(mod);
		remove_module_record(mod);
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = { .notifier_call = module_changes };

int kalloc_helper_reaper_create(void)
{
	int err;

	reaper = alloc_workqueue("kalloc_reaper", WQ_UNBOUND, 0);
	if (!reaper)
		return -ENOMEM;
	err = register_module_notifier(&module_notifier);
	if (err) {
		destroy_workqueue(reaper);
		reaper = NULL;
	}
	return err;
}

void kalloc_helper_reaper_destroy(void)
{
	if (!reaper)
		return;
	unregister_module_notifier(&module_notifier);
	remove_module_records();
	destroy_workqueue(reaper);
	reaper = NULL;
}

void kalloc_helper_reap_init(struct kalloc_reap *reap, void (*end)(struct kalloc_reap *reap),
			     void (*wait)(struct kalloc_reap *reap))
{
	INIT_WORK(&reap->work, end_object);
	INIT_LIST_HEAD(&reap->list);
	reap->end = end;
	reap->wait = wait;
	reap->queued = false;
	reap->closed = false;
	reap->busy = false;
	reap->turn = 0;
}

void kalloc_helper_reap_add(struct kalloc_reap *reap)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_add_tail(&reap->list, &reap_list);
	raw_spin_unlock_irqrestore(&reap_lock, flags);
}

void kalloc_helper_reap(struct kalloc_reap *reap)
{
	WRITE_ONCE(reap->queued, true);
	queue_work(reaper, &reap->work);
}

/* Waits until it does not run. It is the caller's from then on. */
void kalloc_helper_reap_end(struct kalloc_reap *reap)
{
	unsigned long flags;

	reap->wait(reap);
	raw_spin_lock_irqsave(&reap_lock, flags);
	while (reap->busy) {
		raw_spin_unlock_irqrestore(&reap_lock, flags);
		wait_var_event(&reap->busy, !smp_load_acquire(&reap->busy));
		raw_spin_lock_irqsave(&reap_lock, flags);
	}
	list_del(&reap->list);
	raw_spin_unlock_irqrestore(&reap_lock, flags);
}
