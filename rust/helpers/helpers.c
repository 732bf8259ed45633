// SPDX-License-Identifier: GPL-2.0
/* Macros and inline functions that Rust cannot call, one file per C header, sorted alphabetically. */

#include "irqflags.c"
#include "mempool.c"
#include "mm.c"
#include "mmzone.c"
#include "preempt.c"
#include "refcount.c"
#include "sched.c"
#include "slab.c"
