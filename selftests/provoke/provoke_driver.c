// SPDX-License-Identifier: GPL-2.0
/*
 * A platform driver for host/check.sh, wrong in one way that -D chooses: LEAK, an object at unbind; SLEEP, an allocation
 * that may sleep under a lock; ERROR_PATH, an object when a later allocation fails; LOADS, a page, an object of a page and
 * an area of vmalloc for each time that it is loaded.
 */

#include <linux/acpi.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

struct provoke {
	void *first;
	void *second;
};

static int provoke_probe(struct platform_device *pdev)
{
	struct provoke *provoke = devm_kzalloc(&pdev->dev, sizeof(*provoke), GFP_KERNEL);

	if (!provoke)
		return -ENOMEM;
	provoke->first = kmalloc(64, GFP_KERNEL);
	if (!provoke->first)
		return -ENOMEM;
	provoke->second = kmalloc(64, GFP_KERNEL);
	if (!provoke->second) {
#ifndef ERROR_PATH
		kfree(provoke->first);
#endif
		return -ENOMEM;
	}
#ifdef SLEEP
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	kfree(kmalloc(16, GFP_KERNEL));
	spin_unlock(&lock);
#endif
	platform_set_drvdata(pdev, provoke);
	return 0;
}

static void provoke_remove(struct platform_device *pdev)
{
	struct provoke *provoke = platform_get_drvdata(pdev);

	kfree(provoke->first);
#ifndef LEAK
	kfree(provoke->second);
#endif
}

static const struct acpi_device_id provoke_ids[] = {
	{ "KALL0002" },
	{ }
};
MODULE_DEVICE_TABLE(acpi, provoke_ids);

static struct platform_driver provoke_driver = {
	.driver = {
		.name = "provoke_driver",
		.acpi_match_table = provoke_ids,
	},
	.probe = provoke_probe,
	.remove = provoke_remove,
};

static int __init provoke_init(void)
{
#ifdef LOADS
	__get_free_page(GFP_KERNEL);
	kmalloc(PAGE_SIZE, GFP_KERNEL);
	vmalloc(PAGE_SIZE);
#endif
	return platform_driver_register(&provoke_driver);
}
module_init(provoke_init);

static void __exit provoke_exit(void)
{
	platform_driver_unregister(&provoke_driver);
}
module_exit(provoke_exit);

MODULE_DESCRIPTION("Leaks, or sleeps under a lock");
MODULE_LICENSE("GPL");
