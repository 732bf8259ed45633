// SPDX-License-Identifier: GPL-2.0
/* Does not load. */

#include <linux/module.h>

static int __init provoke_init(void)
{
	return -EINVAL;
}
module_init(provoke_init);

MODULE_DESCRIPTION("Does not load");
MODULE_LICENSE("GPL");
