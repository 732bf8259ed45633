// SPDX-License-Identifier: GPL-2.0

//! A raw spinlock in an NMI handler, which may have interrupted its holder.

use kalloc::{prelude::*, sync::RawSpinLock};

pub fn section(cx: &mut NmiCx<'_>, lock: &RawSpinLock<u32>) {
    cx.raw_locked(lock, |n, _cx| *n += 1) //~ ERROR: is an NMI handler
}
