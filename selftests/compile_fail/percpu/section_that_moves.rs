// SPDX-License-Identifier: GPL-2.0

//! On the RCU read side a thread may move to another CPU.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::prelude::*;

pub fn value(task: &mut TaskCx, seen: &PerCpu<AtomicU32>) -> u32 {
    section!(section = task, rcu_read_lock());
    seen.get(&section).load(Relaxed) //~ ERROR: does not stay on its CPU
}
