// SPDX-License-Identifier: GPL-2.0

#include <linux/dmapool.h>

#include "helpers.h"

struct dma_pool *kalloc_helper_dma_pool_create(const char *name, struct device *dev, size_t size,
					       size_t align, size_t boundary)
{
	return dma_pool_create(name, dev, size, align, boundary);
}
