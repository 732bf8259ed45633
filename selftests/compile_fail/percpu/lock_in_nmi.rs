// SPDX-License-Identifier: GPL-2.0

//! An NMI comes in the middle of what the lock protects.

use kalloc::{percpu::LocalLock, prelude::*};

pub fn locked(cx: &mut NmiCx<'_>, list: &PerCpu<LocalLock<u32>>) {
    list.with(cx, |number, _cx| *number += 1); //~ ERROR: no allocator may be called and no spinlock taken
}
