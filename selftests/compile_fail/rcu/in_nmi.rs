// SPDX-License-Identifier: GPL-2.0

//! Memory for `kfree_rcu()` in an NMI, where it may be dropped and not be made.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> Result<RcuBox<u32>> {
    Ok(RcuBox::new(cx, 7)?) //~ ERROR: no allocator may be called
}
