// SPDX-License-Identifier: GPL-2.0

//! vmalloc, which may sleep, with a spinlock held.

use kalloc::prelude::*;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<VBox<u32>> {
    Ok(VBox::new(cx, 7)?) //~ ERROR: `Vmalloc` does not accept
}
