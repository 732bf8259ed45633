// SPDX-License-Identifier: GPL-2.0
/* testlib.ko: what the tests ask of the kernel that no driver needs. */

#include <linux/module.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "internal.h"

/*
 * To register a probe costs the machine more than most tests, so each is there as long as this module. The kernel does
 * not export all tracepoints, but lists them.
 */
static struct testlib_probe *const tables[] = { testlib_trace_probes, testlib_watch_probes, testlib_dma_probes };

#define for_each_probe(probe)											\
	for (int _table = 0; _table < ARRAY_SIZE(tables); _table++)						\
		for (struct testlib_probe *probe = tables[_table]; probe->name; probe++)

static void find_tracepoint(struct tracepoint *tp, void *unused)
{
	for_each_probe(probe)
		if (!strcmp(tp->name, probe->name))
			probe->tp = tp;
}

static void unregister_probes(void)
{
	for_each_probe(probe)
		if (probe->is_registered)
			tracepoint_probe_unregister(probe->tp, probe->function, NULL);
	tracepoint_synchronize_unregister();
}

static int register_probes(void)
{
	for_each_kernel_tracepoint(find_tracepoint, NULL);
	for_each_probe(probe) {
		int err = probe->tp ? tracepoint_probe_register(probe->tp, probe->function, NULL) : -ENOENT;

		if (err) {
			pr_err("testlib: tracepoint %s: error %d\n", probe->name, err);
			unregister_probes();
			return err;
		}
		probe->is_registered = true;
	}
	return 0;
}

static int __init testlib_init(void)
{
	int err = register_probes();

	if (err)
		return err;
	err = testlib_modules_init();
	if (err) {
		unregister_probes();
		return err;
	}
	testlib_learn_kmemleak();
	return 0;
}

static void __exit testlib_exit(void)
{
	testlib_modules_exit();
	unregister_probes();
}

module_init(testlib_init);
module_exit(testlib_exit);
MODULE_DESCRIPTION("What kalloc's tests ask of the kernel");
MODULE_LICENSE("GPL");
