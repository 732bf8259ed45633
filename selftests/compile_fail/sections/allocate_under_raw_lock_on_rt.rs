// SPDX-License-Identifier: GPL-2.0

//! An allocation under a raw spinlock, which sleeps on PREEMPT_RT.

//@only-target: rt

use kalloc::{prelude::*, sync::RawSpinLock};

pub fn section(task: &mut TaskCx, lock: &RawSpinLock<u32>) -> Result<KBox<u32>> {
    task.raw_locked(lock, |_, cx| Ok(KBox::new(&cx, 1)?)) //~ ERROR: no allocator may be called
}
