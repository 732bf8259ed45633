// SPDX-License-Identifier: GPL-2.0

//! A spinlock in an NMI handler, which may have interrupted its holder.

use kalloc::{prelude::*, sync::SpinLockIrq};

pub fn section(cx: &mut NmiCx<'_>, lock: &SpinLockIrq<u32>) {
    cx.locked_irq(lock, |n, _cx| *n += 1) //~ ERROR: no allocator may be called and no spinlock taken
}
