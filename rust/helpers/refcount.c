// SPDX-License-Identifier: GPL-2.0

#include <linux/refcount.h>

#include "helpers.h"

bool kalloc_helper_refcount_inc_not_zero_acquire(refcount_t *refs)
{
	return refcount_inc_not_zero_acquire(refs);
}
