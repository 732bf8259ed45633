// SPDX-License-Identifier: GPL-2.0
/* Failures: of allocations, of functions, of the check of copy_to_user(). */

#include <linux/completion.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/ucopysize.h>

#include "../testlib.h"

bool testlib_fail_nth(unsigned int n)
{
#ifdef CONFIG_FAULT_INJECTION
	WRITE_ONCE(current->fail_nth, n);
#endif
	return IS_ENABLED(CONFIG_FAILSLAB) && IS_ENABLED(CONFIG_FAIL_PAGE_ALLOC);
}
EXPORT_SYMBOL_GPL(testlib_fail_nth);

bool testlib_has_failed(void)
{
#ifdef CONFIG_FAULT_INJECTION
	unsigned int left = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return !left;
#else
	return false;
#endif
}
EXPORT_SYMBOL_GPL(testlib_has_failed);

/* With one of these a kprobe may change where to go on. */
static void goes_elsewhere(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static int divert(struct kprobe *probe)
{
	/* Fit to be registered again. */
	probe->addr = NULL;
	probe->flags = 0;
	probe->post_handler = goes_elsewhere;
	return register_kprobe(probe);
}

static struct task_struct *gets_null;

static void *null(void)
{
	return NULL;
}

static int instead_of_memory(struct kprobe *p, struct pt_regs *regs)
{
	if (cmpxchg(&gets_null, current, NULL) != current)
		return 0;
	/* It returns to the caller. */
	instruction_pointer_set(regs, (unsigned long)null);
	return 1;
}

static struct kprobe null_probe = { .pre_handler = instead_of_memory };

bool testlib_null_start(const char *function)
{
	null_probe.symbol_name = function;
	if (divert(&null_probe))
		return false;
	WRITE_ONCE(gets_null, current);
	return true;
}
EXPORT_SYMBOL_GPL(testlib_null_start);

bool testlib_null_stop(void)
{
	bool came = !xchg(&gets_null, NULL);

	unregister_kprobe(&null_probe);
	return came;
}
EXPORT_SYMBOL_GPL(testlib_null_stop);

#ifdef CONFIG_HARDENED_USERCOPY
static struct {
	const void *ptr;
	size_t len;
	bool stopped;
	struct task_struct *thread;
	struct completion over;
} usercopy;

static void stop_usercopy(void)
{
	usercopy.stopped = true;
	kthread_complete_and_exit(&usercopy.over, 0);
}

/* Its callers do not expect it to return. */
static int instead_of_abort(struct kprobe *p, struct pt_regs *regs)
{
	if (current != usercopy.thread)
		return 0;
	instruction_pointer_set(regs, (unsigned long)stop_usercopy);
	return 1;
}

static int check_usercopy(void *data)
{
	__check_object_size(usercopy.ptr, usercopy.len, true);
	kthread_complete_and_exit(&usercopy.over, 0);
}

int testlib_may_copy_to_user(const void *ptr, size_t len)
{
	static struct kprobe probe = { .symbol_name = "usercopy_abort", .pre_handler = instead_of_abort };
	struct task_struct *thread;
	int err = divert(&probe);

	if (err)
		return err;
	usercopy.ptr = ptr;
	usercopy.len = len;
	usercopy.stopped = false;
	init_completion(&usercopy.over);
	thread = kthread_create(check_usercopy, NULL, "kalloc_usercopy");
	if (IS_ERR(thread)) {
		err = PTR_ERR(thread);
	} else {
		usercopy.thread = thread;
		wake_up_process(thread);
		wait_for_completion(&usercopy.over);
		err = !usercopy.stopped;
	}
	unregister_kprobe(&probe);
	return err;
}
#else
int testlib_may_copy_to_user(const void *ptr, size_t len)
{
	return -ENOTSUPP;
}
#endif
EXPORT_SYMBOL_GPL(testlib_may_copy_to_user);
