// SPDX-License-Identifier: GPL-2.0

//! Per-CPU memory with interrupts off, where PREEMPT_RT's allocator takes sleeping locks.

//@only-target: rt

use kalloc::prelude::*;

pub fn make(task: &mut TaskCx) -> Result<PerCpu<u64>> {
    task.irqs_off(|cx| Ok(PerCpu::zeroed(&cx)?)) //~ ERROR: no allocator may be called
}
