// SPDX-License-Identifier: GPL-2.0

#include <linux/dma-mapping.h>

#include "helpers.h"

/*
 * dma_map_single() without its is_vmalloc_addr(), which the caller checks. A check here would save
 * registers that the caller has already saved. The order of the parameters is that of
 * dma_map_page_attrs().
 */
dma_addr_t kalloc_helper_dma_map_single(struct device *dev, void *ptr, size_t offset, size_t size,
					enum dma_data_direction dir, unsigned long attrs)
{
	dma_addr_t handle;

	debug_dma_map_single(dev, ptr, size);
	handle = dma_map_page_attrs(dev, virt_to_page(ptr), offset, size, dir, attrs);
	/* The caller compares with DMA_MAPPING_ERROR. This call tells CONFIG_DMA_API_DEBUG so. */
	return dma_mapping_error(dev, handle) ? DMA_MAPPING_ERROR : handle;
}

void kalloc_helper_dma_sync_sgtable_for_cpu(struct device *dev, struct sg_table *table,
					    enum dma_data_direction dir)
{
	dma_sync_sgtable_for_cpu(dev, table, dir);
}

void kalloc_helper_dma_sync_sgtable_for_device(struct device *dev, struct sg_table *table,
					       enum dma_data_direction dir)
{
	dma_sync_sgtable_for_device(dev, table, dir);
}

unsigned int kalloc_helper_dma_get_max_seg_size(struct device *dev)
{
	return dma_get_max_seg_size(dev);
}
