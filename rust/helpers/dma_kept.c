// SPDX-License-Identifier: GPL-2.0
/*
 * DMA memory that a device may still use when its owner is dropped. The memory stays mapped and
 * allocated until the device is unbound. It is freed then if the device can no longer do DMA, or if
 * the driver says that the device is idle.
 *
 * An entry describes the memory as data and has no function to free it: the module that dropped the
 * memory need not be the driver of the device, and may be unloaded before the unbind.
 */

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "helpers.h"

/*
 * The entries of all devices. Entries are added in every context. llist_add() and llist_del_all() are
 * fully ordered, so who takes an entry sees what was written to it. What changes later, `told`, is
 * written by code of the driver, which has returned when the device is unbound.
 */
static LLIST_HEAD(kalloc_dma_kept_list);

/*
 * Held while entries are off the list, so that its holder finds all entries of a device.
 * kalloc_helper_dma_ask() is the exception.
 */
static DEFINE_MUTEX(kalloc_dma_kept_mutex);

/**
 * kalloc_helper_dma_keep() - Keep DMA memory until the device is unbound.
 * @what: the description of the memory, which is copied
 *
 * Context: Any context.
 * Return: False if there is no memory for the entry. The DMA memory is then leaked and logged.
 */
bool kalloc_helper_dma_keep(const struct kalloc_dma_kept *what)
{
	struct kalloc_dma_kept *kept;

	/*
	 * The entry cannot be in the kept memory: the device may be writing to it. kmalloc() takes
	 * locks that PREEMPT_RT does not allow with preemption disabled, and is not called there then.
	 */
	if (in_nmi() || in_hardirq() || irqs_disabled() ||
	    (IS_ENABLED(CONFIG_PREEMPT_RT) && preempt_count())) {
		kept = kmalloc_nolock(sizeof(*kept), 0, NUMA_NO_NODE);
	} else {
		DROP_BEGIN();
		kept = kmalloc(sizeof(*kept), GFP_ATOMIC | __GFP_NOWARN);
		DROP_END();
	}
	if (!kept) {
		dev_warn(what->dev, "kalloc: %zu bytes of DMA memory at %pad are lost: no memory to keep them until the device is unbound\n",
			 what->size, &what->address);
		return false;
	}
	*kept = *what;
	llist_add(&kept->node, &kalloc_dma_kept_list);
	return true;
}

/**
 * kalloc_helper_dma_manage() - Keep DMA memory or a pool from its allocation on.
 * @what: the description of the memory or pool, which is copied
 * @gfp: flags for the entry
 *
 * Context: Any context that @gfp allows.
 * Return: The entry, which stays at its address until the device is unbound or the pool destroyed.
 * NULL if there is no memory for it.
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

/* Takes the entries of the device off the list. */
static struct llist_node *kalloc_dma_take_kept(struct device *dev)
{
	struct llist_node *mine = NULL;
	struct kalloc_dma_kept *kept, *next;

	lockdep_assert_held(&kalloc_dma_kept_mutex);
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

/* Unmaps and frees memory that the device does not use. May sleep. */
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

/**
 * kalloc_helper_dma_pool_destroy() - Destroy a pool before the device is unbound.
 * @dev: the device
 * @pool: the pool, which has an entry
 *
 * Does nothing while a block of the pool is kept. To find the entries of the pool, all entries of
 * the device are taken off the list and put back.
 *
 * Context: Process context. May sleep.
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

/* The devres entry that ends the binding. */
struct kalloc_dma_binding {
	/* The driver has said that the device is idle. */
	bool idle;
};

/* True if the device can no longer do DMA, whatever addresses it has been given. */
static bool kalloc_dma_is_off(struct device *dev)
{
#ifdef CONFIG_PCI
	if (dev_is_pci(dev)) {
		struct pci_dev *pdev = to_pci_dev(dev);
		u16 command;

		pci_clear_master(pdev);
		/*
		 * The read flushes earlier writes of the device to memory. A removed device reads
		 * as all ones, and so as a bus master.
		 */
		return !pci_read_config_word(pdev, PCI_COMMAND, &command) && !(command & PCI_COMMAND_MASTER);
	}
#endif
	return false;
}

/*
 * Runs when the device is unbound, after the driver's data is dropped. Only probe has the
 * `&Device<Core>` that enables bus mastering, so it stays off in this binding. (A handler that probe
 * requested from the kernel crate before it set the masks ends later. It has a `&Device<Bound>`, and
 * with that the configuration space, which kalloc trusts.) Blocks are freed before their pools.
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
			dev_warn(dev, "kalloc: %zu bytes of DMA memory at %pad are lost: nothing says that the device does not use them (see BoundScope::quiesce)\n",
				 kept->size, &kept->address);
		kfree(kept);
	}
	for (kept = pools; kept; kept = next) {
		next = kept->node.next ? llist_entry(kept->node.next, struct kalloc_dma_kept, node) : NULL;
		kalloc_dma_free_kept(kept);
		kfree(kept);
	}
}

/**
 * kalloc_helper_dma_binding_is_idle() - Note that the device does no DMA until it is unbound.
 * @dev: the device, which is bound
 *
 * Context: Process context.
 */
void kalloc_helper_dma_binding_is_idle(struct device *dev)
{
	struct kalloc_dma_binding *binding = devres_find(dev, kalloc_dma_end, NULL, NULL);

	if (binding)
		binding->idle = true;
}

/**
 * kalloc_helper_dma_ask() - Ask the driver about each kept memory of its device.
 * @dev: the device, at the end of its unbind or of a failed probe
 * @is_idle: returns true if the device does not use the memory; code of the driver, may sleep
 * @context: passed to @is_idle
 *
 * The entries are off the list while @is_idle runs, and the mutex is not held. No other code looks
 * for them: destroying a pool needs a `DmaPool<'bound>` of the device, and the driver's code that
 * had one has returned, except for @is_idle itself. A pool that @is_idle destroys is not found, and
 * stays until kalloc_dma_end(), which runs later.
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_dma_ask(struct device *dev,
			   bool (*is_idle)(void *context, dma_addr_t address, size_t size),
			   void *context)
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

/* Runs after the driver's data is dropped and after the devres entries that were added later. */
static void kalloc_dma_release(struct device *dev, void *res)
{
	kalloc_helper_dma_free_flush();
}

/**
 * kalloc_helper_dma_set_masks() - Set the DMA masks, once per binding.
 * @dev: the device
 * @mask: the mask of streaming mappings
 * @coherent_mask: the mask of coherent memory
 *
 * Allocations and mappings read the masks without a lock, so they must not change afterwards.
 *
 * Context: Process context. May sleep.
 * Return: 0, -EBUSY if they are set already, or another error.
 */
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
	/* devres releases in reverse order: deferred frees are flushed last. */
	devres_add(dev, deferred);
	devres_add(dev, binding);
	return 0;
}
