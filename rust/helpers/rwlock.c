// SPDX-License-Identifier: GPL-2.0

#include <linux/spinlock.h>

#include "helpers.h"

void kalloc_helper_rwlock_init(rwlock_t *lock, const char *name, struct lock_class_key *key)
{
#if defined(CONFIG_PREEMPT_RT)
	init_rwbase_rt(&lock->rwbase);
	__rt_rwlock_init(lock, (char *)name, key);
#elif defined(CONFIG_DEBUG_SPINLOCK)
	__rwlock_init(lock, name, key);
#else
	rwlock_init(lock);
#endif
}

void kalloc_helper_read_lock(rwlock_t *lock)
{
	read_lock(lock);
}

void kalloc_helper_read_unlock(rwlock_t *lock)
{
	read_unlock(lock);
}

void kalloc_helper_write_lock(rwlock_t *lock)
{
	write_lock(lock);
}

void kalloc_helper_write_unlock(rwlock_t *lock)
{
	write_unlock(lock);
}
