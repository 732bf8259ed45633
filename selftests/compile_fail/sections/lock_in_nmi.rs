// SPDX-License-Identifier: GPL-2.0

//! A spinlock in an NMI handler.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn section(cx: &mut NmiCx<'_>, lock: &SpinLock<u32>) {
    cx.locked(lock, |data, _cx| *data += 1); //~ ERROR: no allocator may be called and no spinlock taken
}
