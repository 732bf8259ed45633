// SPDX-License-Identifier: GPL-2.0
/*
 * Macros and inline functions that Rust cannot call, one file per C header, sorted alphabetically. What is more than that
 * has files of its own: deferred_free.c, in_flight.c, callbacks.c.
 */

#include "helpers.h"

/* The others use them. */
#include "lockdep.c"
#include "irq_work.c"
#include "rcupdate.c"
#include "wait_bit.c"
#include "deferred_free.c"
#include "sched.c"
#include "in_flight.c"
#include "callbacks.c"

#include "bottom_half.c"
#include "device.c"
#include "dma-mapping.c"
#include "dma_kept.c"
#include "gfp.c"
#include "hrtimer.c"
#include "irqflags.c"
#include "local_lock.c"
#include "mempool.c"
#include "mm.c"
#include "mmzone.c"
#include "mutex.c"
#include "nmi.c"
#include "objpool.c"
#include "pci.c"
#include "percpu.c"
#include "preempt.c"
#include "refcount.c"
#include "slab.c"
#include "spinlock.c"
#include "timer.c"
#include "vmalloc.c"
