// SPDX-License-Identifier: GPL-2.0

//! The value belongs to the CPU for as long as the section.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::prelude::*;

pub fn value(task: &mut TaskCx, seen: &PerCpu<AtomicU32>) -> u32 {
    section!(section = task, preempt_disable());
    let value = seen.get(&section);
    section.end(); //~ ERROR: cannot move out of `section` because it is borrowed
    value.load(Relaxed)
}
