// SPDX-License-Identifier: GPL-2.0

//! Memory with interrupts off, where PREEMPT_RT's allocators take sleeping locks.

//@only-target: rt

use kalloc::prelude::*;

pub fn allocate(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.irqs_off(|cx| Ok(KBox::new(&cx, 7)?)) //~ ERROR: no allocator may be called
}
