// SPDX-License-Identifier: GPL-2.0

//! A spinlock with interrupts off, where it sleeps on PREEMPT_RT.

//@only-target: rt

use kalloc::{prelude::*, sync::SpinLockIrq};

pub fn section(task: &mut TaskCx, lock: &SpinLockIrq<u32>) {
    task.irqs_off(|cx| cx.locked_irq(lock, |n, _cx| *n += 1)) //~ ERROR: no allocator may be called and no spinlock taken
}
