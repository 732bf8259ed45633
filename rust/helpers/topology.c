// SPDX-License-Identifier: GPL-2.0

#include <linux/topology.h>

#include "helpers.h"

int kalloc_helper_numa_mem_id(void)
{
	return numa_mem_id();
}
