// SPDX-License-Identifier: GPL-2.0
/* The version of kalloc.ko, and of its packages, which take it from here. */

#include <linux/module.h>

MODULE_VERSION("0.1");
