// SPDX-License-Identifier: GPL-2.0

//! On PREEMPT_RT a local lock sleeps.

//@only-target: rt

use kalloc::{percpu::LocalLock, prelude::*};

pub fn locked(task: &mut TaskCx, list: &PerCpu<LocalLock<u32>>) {
    task.preempt_off(|cx| list.with(cx, |number, _cx| *number += 1)); //~ ERROR: no allocator may be called and no spinlock taken
}
