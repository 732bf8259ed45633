// SPDX-License-Identifier: GPL-2.0
/* Modules: what must hold after the end of one, a file that one holds open, and the unloading of another. */

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kmod.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/umh.h>
#include <linux/workqueue.h>

#include "../testlib.h"
#include "internal.h"

/* A file that is closed after a while. */
static struct file *open_file;

static void close_file(struct work_struct *work)
{
	filp_close(open_file, NULL);
}
static DECLARE_DELAYED_WORK(close_file_work, close_file);

int testlib_open_for(const char *path, unsigned int ms)
{
	struct file *file = filp_open(path, O_RDONLY, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	flush_delayed_work(&close_file_work);
	open_file = file;
	schedule_delayed_work(&close_file_work, msecs_to_jiffies(ms));
	return 0;
}
EXPORT_SYMBOL_GPL(testlib_open_for);

long testlib_unload_another(void)
{
	static char *argv[] = { "/sbin/rmmod", "cordic", NULL };
	static char *envp[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	ktime_t start;
	int err;

	err = request_module("cordic");
	if (err)
		return err < 0 ? err : -ENOENT;
	start = ktime_get();
	err = call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);
	if (err)
		return err < 0 ? err : -EIO;
	return ktime_ms_delta(ktime_get(), start);
}
EXPORT_SYMBOL_GPL(testlib_unload_another);

static const atomic_t *must_stop;
static bool (*must_hold)(void);

static void nothing(void *data)
{
}

static int module_changes(struct notifier_block *block, unsigned long state, void *mod)
{
	int before;

	if (state == MODULE_STATE_GOING && within_module((unsigned long)must_hold, mod)) {
		WARN(!must_hold(), "testlib: something of the module may run after its end\n");
		must_hold = NULL;
	}
	if (state != MODULE_STATE_GOING || !within_module((unsigned long)must_stop, mod))
		return NOTIFY_DONE;
	before = atomic_read(must_stop);
	testlib_run_in_nmi(nothing, NULL);
	msleep(20);
	WARN(atomic_read(must_stop) != before, "testlib: something of the module runs after its end\n");
	must_stop = NULL;
	return NOTIFY_OK;
}

void testlib_must_stop(const void *count)
{
	must_stop = count;
}
EXPORT_SYMBOL_GPL(testlib_must_stop);

void testlib_must_hold(bool (*condition)(void))
{
	must_hold = condition;
}
EXPORT_SYMBOL_GPL(testlib_must_hold);

static struct notifier_block module_notifier = { .notifier_call = module_changes };

int testlib_modules_init(void)
{
	return register_module_notifier(&module_notifier);
}

void testlib_modules_exit(void)
{
	flush_delayed_work(&close_file_work);
	unregister_module_notifier(&module_notifier);
}
