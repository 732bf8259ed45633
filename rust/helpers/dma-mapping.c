// SPDX-License-Identifier: GPL-2.0

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

/*
 * dma_free_attrs() may sleep: memory that was allocated with GFP_KERNEL may be a vmap() of pages. Where that is not
 * allowed, what it needs to know is written into the memory itself, as dma_pool_free() does, and a work item frees it.
 */
struct kalloc_dma_grave {
	struct llist_node node;
	struct device *dev;
	size_t size;
	dma_addr_t handle;
	unsigned long attrs;
};

static LLIST_HEAD(kalloc_dma_graves);

static void kalloc_dma_bury_all(void)
{
	struct kalloc_dma_grave *grave, *next;

	llist_for_each_entry_safe(grave, next, llist_del_all(&kalloc_dma_graves), node)
		dma_free_attrs(grave->dev, grave->size, grave, grave->handle, grave->attrs);
}

static void kalloc_dma_bury(struct work_struct *work)
{
	kalloc_dma_bury_all();
}

static DECLARE_WORK(kalloc_dma_burial, kalloc_dma_bury);

static void kalloc_dma_schedule(struct irq_work *work)
{
	schedule_work(&kalloc_dma_burial);
}

/* A drop may be where not even a work item can be queued. */
static DEFINE_IRQ_WORK(kalloc_dma_burial_irq, kalloc_dma_schedule);

/* In every context, for memory of at least sizeof(struct kalloc_dma_grave). */
void kalloc_helper_dma_free_attrs(struct device *dev, size_t size, void *cpu, dma_addr_t handle, unsigned long attrs)
{
	struct kalloc_dma_grave *grave = cpu;

	/* Without CONFIG_PREEMPT_COUNT nobody knows, and preemptible() is false. */
	if (likely(preemptible() && !rcu_preempt_depth())) {
		dma_free_attrs(dev, size, cpu, handle, attrs);
		return;
	}
	grave->dev = dev;
	grave->size = size;
	grave->handle = handle;
	grave->attrs = attrs;
	if (llist_add(&grave->node, &kalloc_dma_graves))
		irq_work_queue(&kalloc_dma_burial_irq);
}

/* What was dropped before is freed when this returns, whoever has begun with it. */
void kalloc_helper_dma_free_flush(void)
{
	kalloc_dma_bury_all();
	kalloc_helper_irq_work_sync(&kalloc_dma_burial_irq);
	flush_work(&kalloc_dma_burial);
}

/* Runs after the driver's data is dropped, and after all that devres got later. */
static void kalloc_dma_release(struct device *dev, void *res)
{
	kalloc_helper_dma_free_flush();
}

/* The masks are set once a binding: nobody may read them meanwhile, and who allocates reads them. */
int kalloc_helper_dma_set_masks(struct device *dev, u64 mask, u64 coherent_mask)
{
	void *res;
	int err;

	if (devres_find(dev, kalloc_dma_release, NULL, NULL))
		return -EBUSY;
	res = devres_alloc(kalloc_dma_release, 0, GFP_KERNEL);
	if (!res)
		return -ENOMEM;
	err = dma_set_mask(dev, mask);
	if (!err)
		err = dma_set_coherent_mask(dev, coherent_mask);
	if (err)
		devres_free(res);
	else
		devres_add(dev, res);
	return err;
}

void kalloc_helper_dma_rmb(void)
{
	dma_rmb();
}

void kalloc_helper_dma_wmb(void)
{
	dma_wmb();
}

/*
 * What dma_map_single() does after is_vmalloc_addr(), which its caller asks: here that would save registers that the caller
 * has saved. The arguments are where dma_map_page_attrs() wants them.
 */
dma_addr_t kalloc_helper_dma_map_single(struct device *dev, void *ptr, size_t offset, size_t size,
					enum dma_data_direction dir, unsigned long attrs)
{
	dma_addr_t handle;

	debug_dma_map_single(dev, ptr, size);
	handle = dma_map_page_attrs(dev, virt_to_page(ptr), offset, size, dir, attrs);
	/* The caller compares; this tells CONFIG_DMA_API_DEBUG that it does. */
	return dma_mapping_error(dev, handle) ? DMA_MAPPING_ERROR : handle;
}

void kalloc_helper_dma_sync_sgtable_for_cpu(struct device *dev, struct sg_table *table, enum dma_data_direction dir)
{
	dma_sync_sgtable_for_cpu(dev, table, dir);
}

void kalloc_helper_dma_sync_sgtable_for_device(struct device *dev, struct sg_table *table, enum dma_data_direction dir)
{
	dma_sync_sgtable_for_device(dev, table, dir);
}

unsigned int kalloc_helper_dma_get_max_seg_size(struct device *dev)
{
	return dma_get_max_seg_size(dev);
}
