// SPDX-License-Identifier: GPL-2.0

//! An object with interrupts off, where PREEMPT_RT's slab allocator takes sleeping locks.

//@only-target: rt

use kalloc::{prelude::*, slab::*};

pub fn allocate(task: &mut TaskCx, cache: &Cache<u64>) -> Result {
    task.irqs_off(|cx| SlabBox::new(&cx, cache, 1).map(drop))?; //~ ERROR: no allocator may be called
    Ok(())
}
