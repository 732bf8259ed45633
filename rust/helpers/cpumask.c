// SPDX-License-Identifier: GPL-2.0

#include <linux/cpumask.h>

#include "helpers.h"

/* Returns the first possible CPU that is not below `cpu`, or a number >= nr_cpu_ids. */
unsigned int kalloc_helper_possible_cpu(unsigned int cpu)
{
	return cpumask_next((int)cpu - 1, cpu_possible_mask);
}
