// SPDX-License-Identifier: GPL-2.0

//! With preemption disabled nothing sleeps.

use core::sync::atomic::AtomicU32;
use kalloc::prelude::*;

pub fn pinned(task: &mut TaskCx, seen: &PerCpu<AtomicU32>) {
    seen.pin(task, |_seen, cx| KBox::new(cx.with(GFP_KERNEL), 1u32).is_ok()); //~ ERROR: this may sleep and call into file systems
}
