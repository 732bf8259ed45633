// SPDX-License-Identifier: GPL-2.0

//! A constructor that a box of kmalloc does not need.

use kalloc::prelude::*;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new_nonblocking(cx, 7)?) //~ ERROR: new_nonblocking
}
