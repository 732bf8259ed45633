// SPDX-License-Identifier: GPL-2.0

//! The RCU read side in an NMI handler is still in an NMI handler.

use kalloc::prelude::*;

pub fn section(cx: &mut NmiCx<'_>) -> Result<KBox<u32>> {
    cx.rcu_read(|_guard, cx| Ok(KBox::new(&cx, 1)?)) //~ ERROR: no allocator may be called
}
