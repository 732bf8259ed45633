// SPDX-License-Identifier: GPL-2.0

#include <linux/sched/mm.h>

#include "helpers.h"

unsigned int kalloc_helper_memalloc_nofs_save(void)
{
	return memalloc_nofs_save();
}

void kalloc_helper_memalloc_nofs_restore(unsigned int flags)
{
	memalloc_nofs_restore(flags);
}

unsigned int kalloc_helper_memalloc_noio_save(void)
{
	return memalloc_noio_save();
}

void kalloc_helper_memalloc_noio_restore(unsigned int flags)
{
	memalloc_noio_restore(flags);
}

unsigned int kalloc_helper_memalloc_noreclaim_save(void)
{
	return memalloc_noreclaim_save();
}

void kalloc_helper_memalloc_noreclaim_restore(unsigned int flags)
{
	memalloc_noreclaim_restore(flags);
}
