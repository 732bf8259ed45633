// SPDX-License-Identifier: GPL-2.0
/* Leaks a page and an object each time that it is loaded. */

#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/slab.h>

static int __init provoke_leak_init(void)
{
	return alloc_page(GFP_KERNEL) && kmalloc(PAGE_SIZE, GFP_KERNEL) ? 0 : -ENOMEM;
}
module_init(provoke_leak_init);

static void __exit provoke_leak_exit(void)
{
}
module_exit(provoke_leak_exit);

MODULE_DESCRIPTION("Leaks memory");
MODULE_LICENSE("GPL");
