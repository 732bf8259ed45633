// SPDX-License-Identifier: GPL-2.0
/*
 * A device of the device tree for the sample driver kalloc_platform, as long as this module is there: a node that is added to
 * the tree of the running kernel, of which the kernel makes the device.
 */

#include <linux/module.h>
#include <linux/of.h>

static struct of_changeset changes;
static struct device_node *node;

static int __init platform_of_init(void)
{
	struct device_node *root = of_find_node_by_path("/");
	int err = -ENOMEM;

	if (!root)
		return -ENODEV;
	of_changeset_init(&changes);
	node = of_changeset_create_node(&changes, root, "kalloc");
	of_node_put(root);
	if (!node)
		goto destroy;
	err = of_changeset_add_prop_string(&changes, node, "compatible", "kalloc,platform");
	if (!err)
		err = of_changeset_apply(&changes);
	if (!err)
		return 0;

destroy:
	of_changeset_destroy(&changes);
	of_node_put(node);
	return err;
}
module_init(platform_of_init);

static void __exit platform_of_exit(void)
{
	of_changeset_revert(&changes);
	of_changeset_destroy(&changes);
	of_node_put(node);
}
module_exit(platform_of_exit);

MODULE_DESCRIPTION("kalloc tests: a device of the device tree");
MODULE_LICENSE("GPL");
