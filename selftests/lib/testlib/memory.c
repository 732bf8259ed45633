// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of memory, and the values of GFP flags. */

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#include "../testlib.h"

void testlib_get_page(unsigned long pfn)
{
	get_page(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(testlib_get_page);

void testlib_put_page(unsigned long pfn)
{
	put_page(pfn_to_page(pfn));
}
EXPORT_SYMBOL_GPL(testlib_put_page);

unsigned long testlib_free_pages(void)
{
	unsigned long free = global_zone_page_state(NR_FREE_PAGES);
	int node, zone, cpu;

	for_each_online_node(node)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			for_each_online_cpu(cpu)
				free += per_cpu_ptr(NODE_DATA(node)->node_zones[zone].per_cpu_pageset, cpu)->count;
	return free;
}
EXPORT_SYMBOL_GPL(testlib_free_pages);

#define ROW(expression) { #expression, expression }
static const struct {
	const char *expression;
	gfp_t bits;
} gfp_rows[] = {
	ROW(GFP_KERNEL),
	ROW(GFP_KERNEL_ACCOUNT),
	ROW(GFP_USER),
	ROW(GFP_HIGHUSER),
	ROW(GFP_HIGHUSER_MOVABLE),
	ROW(GFP_NOFS),
	ROW(GFP_NOIO),
	ROW(GFP_ATOMIC),
	ROW(GFP_NOWAIT),
	ROW(GFP_KERNEL & ~__GFP_RECLAIM),
	ROW(GFP_KERNEL | GFP_DMA),
	ROW(GFP_KERNEL | GFP_DMA32),
	ROW(GFP_KERNEL | __GFP_HIGHMEM),
	ROW(GFP_KERNEL | __GFP_NORETRY),
	ROW(GFP_KERNEL | __GFP_RETRY_MAYFAIL),
	ROW(GFP_KERNEL | __GFP_NOFAIL),
	ROW(GFP_KERNEL | __GFP_MOVABLE),
	ROW(GFP_KERNEL | __GFP_RECLAIMABLE),
	ROW(GFP_KERNEL | __GFP_ZERO),
	ROW(GFP_KERNEL | __GFP_NOWARN),
	ROW(GFP_KERNEL | __GFP_ACCOUNT),
	ROW(GFP_KERNEL | __GFP_THISNODE),
	ROW(GFP_KERNEL | __GFP_COMP),
	ROW(GFP_KERNEL | __GFP_HARDWALL),
	ROW(GFP_KERNEL | __GFP_NOMEMALLOC),
	ROW(__GFP_HIGH | __GFP_KSWAPD_RECLAIM),
	ROW(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN),
	ROW(__GFP_RECLAIM),
	ROW(__GFP_RECLAIM | __GFP_IO),
	ROW(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO | __GFP_FS),
	ROW(GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN),
};

bool testlib_gfp(const char *expression, gfp_t *bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(gfp_rows); i++) {
		if (!strcmp(gfp_rows[i].expression, expression)) {
			*bits = gfp_rows[i].bits;
			return true;
		}
	}
	return false;
}
EXPORT_SYMBOL_GPL(testlib_gfp);

size_t testlib_gfp_rows(void)
{
	return ARRAY_SIZE(gfp_rows);
}
EXPORT_SYMBOL_GPL(testlib_gfp_rows);

void __no_sanitize_address testlib_peek(const void *from, void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((char volatile *)to)[i] = ((char const volatile *)from)[i];
}
EXPORT_SYMBOL_GPL(testlib_peek);

void testlib_kvfree_rcu_barrier(void)
{
	/* The barrier itself is not exported; kmem_cache_destroy() waits for it. */
	kmem_cache_destroy(kmem_cache_create("kalloc_testlib_barrier", 8, 8, SLAB_NO_MERGE, NULL));
}
EXPORT_SYMBOL_GPL(testlib_kvfree_rcu_barrier);

long testlib_slab_attribute(const char *cache, const char *attribute)
{
	char text[64] = {};
	char *path = kasprintf(GFP_KERNEL, "/sys/kernel/slab/%s/%s", cache, attribute);
	struct file *file;
	loff_t pos = 0;
	ssize_t len;

	if (!path)
		return -ENOMEM;
	file = filp_open(path, O_RDONLY, 0);
	kfree(path);
	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, text, sizeof(text) - 1, &pos);
	filp_close(file, NULL);
	if (len < 0)
		return len;
	/* Numbers, or whether there is any text. */
	return text[0] >= '0' && text[0] <= '9' ? simple_strtol(text, NULL, 10) : len;
}
EXPORT_SYMBOL_GPL(testlib_slab_attribute);

bool testlib_slab_id(const char *cache, char *id, size_t len)
{
	char *name = kasprintf(GFP_KERNEL, "/sys/kernel/slab/%s", cache);
	struct path path;
	int err = name ? kern_path(name, LOOKUP_FOLLOW, &path) : -ENOMEM;

	kfree(name);
	if (err)
		return false;
	strscpy(id, path.dentry->d_name.name, len);
	path_put(&path);
	return true;
}
EXPORT_SYMBOL_GPL(testlib_slab_id);
