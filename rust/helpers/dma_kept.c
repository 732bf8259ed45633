// SPDX-License-Identifier: GPL-2.0
/*
 * DMA memory that a device may still use when its owner drops it. It stays mapped and allocated until the end of the
 * binding. There the device cannot do DMA any more, or its driver says that it is idle, and the memory is freed.
 *
 * What has to be freed is written down as data. A function of the driver would not do: the module that dropped the memory
 * need not be the one whose binding it is, and may be gone before the binding ends.
 */

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "helpers.h"

/* Of all devices: adding is for every context. */
static LLIST_HEAD(kalloc_dma_kept_list);

/* Held while entries are off the list: who holds it finds all of its device, also those that another one had in hand. */
static DEFINE_MUTEX(kalloc_dma_kept_mutex);

/* Adds what is to be kept, in every context. False, and a line in the log, where there is no memory for the entry. */
bool kalloc_helper_dma_keep(const struct kalloc_dma_kept *what)
{
	struct kalloc_dma_kept *kept;

	/* The entry must not be in the memory, which the device may be writing. */
	if (in_nmi() || in_hardirq() || irqs_disabled() || (IS_ENABLED(CONFIG_PREEMPT_RT) && preempt_count()))
		kept = kmalloc_nolock(sizeof(*kept), 0, NUMA_NO_NODE);
	else
		kept = kmalloc(sizeof(*kept), GFP_ATOMIC | __GFP_NOWARN);
	if (!kept) {
		dev_warn(what->dev, "kalloc: %zu bytes of DMA memory at %pad are lost: no memory to keep them until the device is unbound\n",
			 what->size, &what->address);
		return false;
	}
	*kept = *what;
	llist_add(&kept->node, &kalloc_dma_kept_list);
	return true;
}

/*
 * The same for what is kept from the start: memory that lives as long as the binding, and pools. The entry stays where it is
 * until then. NULL where there is no memory for it.
 */
struct kalloc_dma_kept *kalloc_helper_dma_manage(const struct kalloc_dma_kept *what, gfp_t gfp)
{
	struct kalloc_dma_kept *kept = kmalloc(sizeof(*kept), gfp);

	if (!kept)
		return NULL;
	*kept = *what;
	llist_add(&kept->node, &kalloc_dma_kept_list);
	return kept;
}

/* Takes the entries of the device off the list. The mutex is held. */
static struct llist_node *kalloc_dma_take_kept(struct device *dev)
{
	struct llist_node *mine = NULL;
	struct kalloc_dma_kept *kept, *next;

	llist_for_each_entry_safe(kept, next, llist_del_all(&kalloc_dma_kept_list), node) {
		if (kept->dev == dev) {
			kept->node.next = mine;
			mine = &kept->node;
		} else {
			llist_add(&kept->node, &kalloc_dma_kept_list);
		}
	}
	return mine;
}

static void kalloc_dma_free_backing(const struct kalloc_dma_kept *kept)
{
	unsigned long *blocks = kept->memory;

	switch (kept->backing) {
	case KALLOC_DMA_BACKING_KVMALLOC:
		kvfree(kept->memory);
		break;
	case KALLOC_DMA_BACKING_PAGES:
		free_pages((unsigned long)kept->memory, kept->count);
		break;
	case KALLOC_DMA_BACKING_EXACT:
		free_pages_exact(kept->memory, kept->count);
		break;
	case KALLOC_DMA_BACKING_BLOCKS:
		for (size_t i = 0; i < kept->count; i++)
			free_pages(blocks[i] & PAGE_MASK, blocks[i] & ~PAGE_MASK);
		kfree(blocks);
		break;
	}
}

/* Unmaps and frees what the device does not use. May sleep. */
static void kalloc_dma_free_kept(struct kalloc_dma_kept *kept)
{
	unsigned long attrs = kept->attrs | DMA_ATTR_SKIP_CPU_SYNC;

	switch (kept->mapping) {
	case KALLOC_DMA_SINGLE:
		dma_unmap_page_attrs(kept->dev, kept->address, kept->size, kept->dir, attrs);
		break;
	case KALLOC_DMA_TABLE:
		dma_unmap_sgtable(kept->dev, &kept->table, kept->dir, attrs);
		sg_free_table(&kept->table);
		break;
	case KALLOC_DMA_PAGES:
		dma_free_pages(kept->dev, kept->size, virt_to_page(kept->cpu), kept->address, kept->dir);
		break;
	case KALLOC_DMA_COHERENT:
		dma_free_attrs(kept->dev, kept->size, kept->cpu, kept->address, kept->attrs);
		break;
	case KALLOC_DMA_BLOCK:
		dma_pool_free(kept->pool, kept->cpu, kept->address);
		break;
	case KALLOC_DMA_POOL:
		dma_pool_destroy(kept->pool);
		break;
	}
	kalloc_dma_free_backing(kept);
}

/*
 * Destroys a pool before the end of the binding, if no block of it is kept. May sleep. All entries of the device are taken off
 * and put back: which are those of the pool is not known otherwise.
 */
void kalloc_helper_dma_pool_destroy(struct device *dev, struct dma_pool *pool)
{
	struct kalloc_dma_kept *kept, *next, *entry = NULL;
	bool blocks = false;

	mutex_lock(&kalloc_dma_kept_mutex);
	llist_for_each_entry_safe(kept, next, kalloc_dma_take_kept(dev), node) {
		if (kept->pool == pool && kept->mapping == KALLOC_DMA_POOL) {
			entry = kept;
			continue;
		}
		blocks |= kept->pool == pool;
		llist_add(&kept->node, &kalloc_dma_kept_list);
	}
	if (entry && blocks) {
		llist_add(&entry->node, &kalloc_dma_kept_list);
		entry = NULL;
	}
	mutex_unlock(&kalloc_dma_kept_mutex);
	if (entry) {
		dma_pool_destroy(pool);
		kfree(entry);
	}
}

/* What the driver says at the end of the binding. */
struct kalloc_dma_binding {
	bool idle;
};

/* Whether the device cannot do DMA any more, whatever it has been told. */
static bool kalloc_dma_is_off(struct device *dev)
{
#ifdef CONFIG_PCI
	if (dev_is_pci(dev)) {
		struct pci_dev *pdev = to_pci_dev(dev);
		u16 command;

		pci_clear_master(pdev);
		/* What the device wrote before it answers is in memory then. All ones, of a device that is gone, say no. */
		return !pci_read_config_word(pdev, PCI_COMMAND, &command) && !(command & PCI_COMMAND_MASTER);
	}
#endif
	return false;
}

/*
 * The end of the binding. The driver's data is dropped, nobody has a `&Device<Bound>`, and so nobody can turn on bus mastering
 * in this binding. Blocks go before their pools.
 */
static void kalloc_dma_end(struct device *dev, void *res)
{
	struct kalloc_dma_binding *binding = res;
	struct kalloc_dma_kept *kept, *next, *pools = NULL;
	struct llist_node *mine;
	bool idle;

	mutex_lock(&kalloc_dma_kept_mutex);
	mine = kalloc_dma_take_kept(dev);
	mutex_unlock(&kalloc_dma_kept_mutex);
	idle = kalloc_dma_is_off(dev) || binding->idle;
	llist_for_each_entry_safe(kept, next, mine, node) {
		if (kept->mapping == KALLOC_DMA_POOL) {
			kept->node.next = pools ? &pools->node : NULL;
			pools = kept;
			continue;
		}
		if (idle || kept->idle || !kept->told)
			kalloc_dma_free_kept(kept);
		else
			dev_warn(dev, "kalloc: %zu bytes of DMA memory at %pad are lost: nothing says that the device does not use them (see Binding::quiesce)\n",
				 kept->size, &kept->address);
		kfree(kept);
	}
	for (kept = pools; kept; kept = next) {
		next = kept->node.next ? llist_entry(kept->node.next, struct kalloc_dma_kept, node) : NULL;
		kalloc_dma_free_kept(kept);
		kfree(kept);
	}
}

/* The driver says that the device is idle, for good. In process context, while the device is bound. */
void kalloc_helper_dma_binding_is_idle(struct device *dev)
{
	struct kalloc_dma_binding *binding = devres_find(dev, kalloc_dma_end, NULL, NULL);

	if (binding)
		binding->idle = true;
}

/*
 * Calls `is_idle` with what is kept for the device, and remembers what it says. In process context, at the end of the binding or
 * of a probe that failed. The entries are off the list without the mutex, since `is_idle` is the driver's and may sleep: nobody
 * else looks for them meanwhile. Who destroys a pool has a `Dma<'bound>` of the device, and the driver's code that has one has
 * ended, but for what is called here; kalloc_dma_end() comes after. All goes back at once, so what `is_idle` itself destroys, it
 * does not find.
 */
void kalloc_helper_dma_ask(struct device *dev, bool (*is_idle)(void *context, dma_addr_t address, size_t size), void *context)
{
	struct kalloc_dma_kept *kept, *last = NULL;
	struct llist_node *mine;

	mutex_lock(&kalloc_dma_kept_mutex);
	mine = kalloc_dma_take_kept(dev);
	mutex_unlock(&kalloc_dma_kept_mutex);
	llist_for_each_entry(kept, mine, node) {
		if (kept->mapping != KALLOC_DMA_POOL)
			kept->idle = is_idle(context, kept->address, kept->size);
		last = kept;
	}
	if (last)
		llist_add_batch(mine, &last->node, &kalloc_dma_kept_list);
}

/* Runs after the driver's data is dropped, and after all that devres got later. */
static void kalloc_dma_release(struct device *dev, void *res)
{
	kalloc_helper_dma_free_flush();
}

/* The masks are set once a binding: nobody may read them meanwhile, and who allocates reads them. */
int kalloc_helper_dma_set_masks(struct device *dev, u64 mask, u64 coherent_mask)
{
	void *deferred, *binding;
	int err;

	if (devres_find(dev, kalloc_dma_end, NULL, NULL))
		return -EBUSY;
	deferred = devres_alloc(kalloc_dma_release, 0, GFP_KERNEL);
	binding = devres_alloc(kalloc_dma_end, sizeof(struct kalloc_dma_binding), GFP_KERNEL);
	err = deferred && binding ? dma_set_mask(dev, mask) : -ENOMEM;
	if (!err)
		err = dma_set_coherent_mask(dev, coherent_mask);
	if (err) {
		devres_free(binding);
		devres_free(deferred);
		return err;
	}
	/* Released in the other order: frees that were put off come last. */
	devres_add(dev, deferred);
	devres_add(dev, binding);
	return 0;
}
