// SPDX-License-Identifier: GPL-2.0

#include <linux/local_lock.h>
#include <linux/percpu.h>

void kalloc_helper_local_trylock_init(local_trylock_t *lock)
{
	local_trylock_init(lock);
}

/*
 * The lock of this CPU, or NULL where it is taken: with interrupts off that can only be by the caller. On PREEMPT_RT
 * it is a spinlock, on which the caller then waits for ever, as on every other.
 */
void *kalloc_helper_local_lock_irqsave(void *lock, unsigned long *flags)
{
	local_trylock_t __percpu *percpu = (local_trylock_t __percpu *)(__force unsigned long)lock;

#ifdef CONFIG_PREEMPT_RT
	local_lock_irqsave(percpu, *flags);
#else
	if (!local_trylock_irqsave(percpu, *flags))
		return NULL;
#endif
	return this_cpu_ptr(percpu);
}

void kalloc_helper_local_unlock_irqrestore(void *lock, unsigned long flags)
{
	local_unlock_irqrestore((local_trylock_t __percpu *)(__force unsigned long)lock, flags);
}
