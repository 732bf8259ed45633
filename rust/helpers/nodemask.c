// SPDX-License-Identifier: GPL-2.0

#include <linux/nodemask.h>

#include "helpers.h"

bool kalloc_helper_node_online(int node)
{
	return node_online(node);
}
