// SPDX-License-Identifier: GPL-2.0

#include <asm/barrier.h>

#include "helpers.h"

void kalloc_helper_dma_rmb(void)
{
	dma_rmb();
}

void kalloc_helper_dma_wmb(void)
{
	dma_wmb();
}
