// SPDX-License-Identifier: GPL-2.0

#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

/* An object that the kernel calls back. */
struct kalloc_reap {
	struct work_struct work;
	struct list_head list;
	void (*wait)(struct kalloc_reap *reap);
	/* Its module ends: no more code of it is to run. */
	bool closed;
	/* The end of its module waits for it, in that turn. */
	bool busy;
	unsigned int turn;
};

/* Ends objects whose owner was dropped where the code could not wait for them. */
static struct workqueue_struct *reaper;

/* All objects. */
static LIST_HEAD(reap_list);
static DEFINE_RAW_SPINLOCK(reap_lock);

int kalloc_helper_reaper_create(void)
{
	reaper = alloc_workqueue("kalloc_reaper", WQ_UNBOUND, 0);
	return reaper ? 0 : -ENOMEM;
}

void kalloc_helper_reaper_destroy(void)
{
	if (reaper)
		destroy_workqueue(reaper);
	reaper = NULL;
}

static bool is_of(struct kalloc_reap *reap, struct module *mod)
{
	return within_module((unsigned long)reap->work.func, mod);
}

/* Whether the module has objects that were not closed before. */
static bool close_objects(struct module *mod)
{
	struct kalloc_reap *reap;
	unsigned long flags;
	bool fresh = false;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_for_each_entry(reap, &reap_list, list) {
		if (is_of(reap, mod) && !reap->closed) {
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
		if (is_of(reap, mod) && reap->turn != turn) {
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
		/* It may be gone after this, which needs no more than its address. */
		smp_store_release(&reap->busy, false);
		wake_up_var(&reap->busy);
	}
}

static void forget_objects(struct module *mod)
{
	struct kalloc_reap *reap, *next;
	unsigned long flags;

	raw_spin_lock_irqsave(&reap_lock, flags);
	list_for_each_entry_safe(reap, next, &reap_list, list) {
		if (!is_of(reap, mod))
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
	} while (fresh);
	forget_objects(mod);
}

void kalloc_helper_reap_init(struct kalloc_reap *reap, work_func_t fn, void (*wait)(struct kalloc_reap *))
{
	INIT_WORK(&reap->work, fn);
	INIT_LIST_HEAD(&reap->list);
	reap->wait = wait;
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
