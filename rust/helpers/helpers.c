// SPDX-License-Identifier: GPL-2.0
/*
 * The C functions that Rust calls. The first files are the parts of kalloc that are in C. The
 * others make macros and inline functions callable, one file per C header, sorted alphabetically.
 */

#include "helpers.h"

/* Of the kernel's series; the others use it. */
#include "series.c"
#include "deferred_free.c"
#include "in_flight.c"
/* After in_flight.c, whose static functions it uses. */
#include "callbacks.c"
#include "contexts.c"
/* After deferred_free.c, whose DROP_BEGIN() it uses. */
#include "dma_kept.c"
#include "nmi.c"

#include "barrier.c"
#include "bottom_half.c"
#include "cpumask.c"
#include "device.c"
#include "dma-mapping.c"
#include "dmapool.c"
#include "gfp.c"
#include "hrtimer.c"
#include "irq_work.c"
#include "irqflags.c"
#include "local_lock.c"
#include "mempool.c"
#include "mm.c"
#include "mutex.c"
#include "nodemask.c"
#include "objpool.c"
#include "pci.c"
#include "percpu.c"
#include "preempt.c"
#include "rcupdate.c"
#include "refcount.c"
#include "rwlock.c"
#include "sched.c"
#include "sched_mm.c"
#include "slab.c"
#include "spinlock.c"
#include "timer.c"
#include "topology.c"
#include "vmalloc.c"
#include "wait_bit.c"
