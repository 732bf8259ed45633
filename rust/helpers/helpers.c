// SPDX-License-Identifier: GPL-2.0
/* Macros and inline functions that Rust cannot call, one file per C header, sorted alphabetically. */

#include "gfp.c"
#include "irqflags.c"
#include "mm.c"
#include "mmzone.c"
#include "preempt.c"
#include "sched.c"
#include "slab.c"
#include "vmalloc.c"
