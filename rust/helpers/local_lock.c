// SPDX-License-Identifier: GPL-2.0

#include <linux/local_lock.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "helpers.h"

/* local_trylock_init() with a lock class of the caller. */
void kalloc_helper_local_trylock_init(local_trylock_t *lock, const char *name,
				      struct lock_class_key *key)
{
#ifdef CONFIG_PREEMPT_RT
	rt_mutex_base_init(&lock->lock);
	__rt_spin_lock_init(lock, name, key, true);
#else
	lockdep_init_map_type(&lock->dep_map, name, key, 0, LD_WAIT_CONFIG, LD_WAIT_INV, LD_LOCK_PERCPU);
	local_lock_debug_init((local_lock_t *)lock);
	lock->acquired = 0;
#endif
}

/*
 * The functions below return a pointer to the lock of one CPU, and release the lock by that
 * pointer. C's macros look up the lock of the current CPU for each operation. If the code in
 * between has slept, that is another CPU.
 */

#ifdef CONFIG_PREEMPT_RT
/* Takes the lock of this CPU and waits for it. The thread cannot migrate until it is released. */
void *kalloc_helper_local_lock_irqsave(void *lock, unsigned long *flags)
{
	local_trylock_t *local;

	__local_lock_irqsave((local = this_cpu_ptr(PERCPU(local_trylock_t, lock))), *flags);
	return local;
}
#endif

/*
 * Off PREEMPT_RT, CONFIG_DEBUG_ATOMIC_SLEEP disables preemption too: code that enables interrupts
 * with the lock held and then sleeps is reported.
 */
#define NO_SLEEP (!IS_ENABLED(CONFIG_PREEMPT_RT) && IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))

/*
 * Takes the lock of this CPU, or returns NULL if it is taken. Off PREEMPT_RT it may be taken by the
 * caller, or by a thread that enabled interrupts while it held the lock and was preempted. Only
 * this CPU takes the lock, with interrupts disabled. Any CPU may release it.
 */
void *kalloc_helper_local_trylock_irqsave(void *lock, unsigned long *flags)
{
	local_trylock_t *local;

	if (NO_SLEEP)
		preempt_disable();
	if (!__local_trylock_irqsave((local = this_cpu_ptr(PERCPU(local_trylock_t, lock))), *flags)) {
		if (NO_SLEEP)
			preempt_enable();
		return NULL;
	}
	/* Pairs with the release in unlock, which may have run on another CPU. */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		smp_acquire__after_ctrl_dep();
	return local;
}

void kalloc_helper_local_unlock_irqrestore(local_trylock_t *local, unsigned long flags)
{
#ifdef CONFIG_PREEMPT_RT
	__local_unlock_irqrestore(local, flags);
#else
	/* __local_unlock_irqrestore() with release semantics. */
	lockdep_assert(local->acquired == 1);
	local_lock_release((local_lock_t *)local);
	smp_store_release(&local->acquired, 0);
	local_irq_restore(flags);
	if (NO_SLEEP)
		preempt_enable();
#endif
}
