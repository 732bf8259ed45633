// SPDX-License-Identifier: GPL-2.0
/* What the kernel says in one expression. */

#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "../testlib.h"

#define PREDICATE(type, name, parameters, expression)							\
type testlib_##name parameters										\
{													\
	return expression;										\
}													\
EXPORT_SYMBOL_GPL(testlib_##name);
#include "predicates.h"
