// SPDX-License-Identifier: GPL-2.0
/* Does wrong on purpose: a warning in the kernel's log. */

#include <linux/bug.h>
#include <linux/module.h>

static int __init wrong_warn_init(void)
{
	WARN(1, "on purpose");
	return 0;
}
module_init(wrong_warn_init);

static void __exit wrong_warn_exit(void)
{
}
module_exit(wrong_warn_exit);

MODULE_DESCRIPTION("Warns");
MODULE_LICENSE("GPL");
