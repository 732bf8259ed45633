// SPDX-License-Identifier: GPL-2.0
/* Does wrong on purpose: it does not load. */

#include <linux/module.h>

static int __init wrong_init(void)
{
	return -EINVAL;
}
module_init(wrong_init);

MODULE_DESCRIPTION("Does not load");
MODULE_LICENSE("GPL");
