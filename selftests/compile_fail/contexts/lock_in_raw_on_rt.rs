// SPDX-License-Identifier: GPL-2.0

//! A spinlock with preemption disabled, where it sleeps on PREEMPT_RT.

//@only-target: rt

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, lock: &SpinLock<u32>) {
    task.preempt_off(|cx| cx.locked(lock, |data, _cx| *data += 1)); //~ ERROR: no allocator may be called and no spinlock taken
}
