// SPDX-License-Identifier: GPL-2.0
/* What the kernel knows of the caller's context. */

#include <linux/bug.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "helpers.h"

#ifdef CONFIG_PREEMPT_COUNT
bool kalloc_helper_may_sleep(void)
{
	return preemptible() && !rcu_preempt_depth();
}
#endif

#ifdef CONFIG_DEBUG_ATOMIC_SLEEP
/* Assertions for the claims of the tokens' unsafe constructors. */
void kalloc_helper_might_sleep(void)
{
	might_sleep();
}

void kalloc_helper_assert_nofs(void)
{
	might_sleep();
	/* A NOIO scope implies NOFS. */
	WARN_ON_ONCE(!(current->flags & (PF_MEMALLOC_NOFS | PF_MEMALLOC_NOIO)));
}

void kalloc_helper_assert_noio(void)
{
	might_sleep();
	WARN_ON_ONCE(!(current->flags & PF_MEMALLOC_NOIO));
}

void kalloc_helper_assert_noreclaim(void)
{
	might_sleep();
	WARN_ON_ONCE(!(current->flags & PF_MEMALLOC));
}

void kalloc_helper_assert_atomic(void)
{
	/* On PREEMPT_RT threaded interrupt handlers run with bottom halves disabled. */
	if (!WARN_ON_ONCE(in_interrupt() || (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())))
		WARN_ON_ONCE(irqs_disabled());
}

void kalloc_helper_assert_bh(void)
{
	if (!WARN_ON_ONCE(in_hardirq() || in_nmi() || !in_softirq()))
		WARN_ON_ONCE(irqs_disabled());
}

void kalloc_helper_assert_may_lock(void)
{
	WARN_ON_ONCE(in_nmi() || (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()));
}

void kalloc_helper_assert_not_nmi(void)
{
	WARN_ON_ONCE(in_nmi());
}

void kalloc_helper_assert_nmi(void)
{
	WARN_ON_ONCE(!in_nmi());
}
#endif
