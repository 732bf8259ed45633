// SPDX-License-Identifier: GPL-2.0

//! With a local lock held nothing sleeps.

use kalloc::{percpu::LocalLock, prelude::*};

pub fn locked(task: &mut TaskCx, list: &PerCpu<LocalLock<Option<KBox<u32>>>>) {
    list.with(task, |slot, cx| *slot = KBox::new(cx.with(GFP_KERNEL), 1).ok()); //~ ERROR: this may sleep and call into file systems
}
