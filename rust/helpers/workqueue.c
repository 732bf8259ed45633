// SPDX-License-Identifier: GPL-2.0

#include <linux/workqueue.h>

/* Ends objects whose owner was dropped where the code could not wait for them. */
static struct workqueue_struct *reaper;

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

void kalloc_helper_reaper_flush(void)
{
	/* None at the end of kalloc's own module. */
	if (reaper)
		flush_workqueue(reaper);
}

void kalloc_helper_reap_init(struct work_struct *work, work_func_t fn)
{
	INIT_WORK(work, fn);
}

void kalloc_helper_reap(struct work_struct *work)
{
	queue_work(reaper, work);
}
