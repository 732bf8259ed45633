// SPDX-License-Identifier: GPL-2.0

//! A spinlock under a raw spinlock, where it sleeps on PREEMPT_RT.

//@only-target: rt

use kalloc::{prelude::*, sync::RawSpinLock};
use kernel::sync::SpinLock;

pub fn section(task: &mut TaskCx, outer: &RawSpinLock<u32>, inner: &SpinLock<u32>) {
    task.raw_locked(outer, |_, cx| cx.locked(inner, |n, _| *n += 1)) //~ ERROR: no allocator may be called and no spinlock taken
}
