// SPDX-License-Identifier: GPL-2.0

//! Pages with interrupts off, where PREEMPT_RT's page allocator takes sleeping locks.

//@only-target: rt

use kalloc::prelude::*;

pub fn allocate(task: &mut TaskCx) -> Result<Pages> {
    task.irqs_off(|cx| Ok(Pages::zeroed(&cx, Order)?)) //~ ERROR: no allocator may be called
}
