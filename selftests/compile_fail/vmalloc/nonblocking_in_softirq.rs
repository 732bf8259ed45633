// SPDX-License-Identifier: GPL-2.0

//! vmalloc in what may be a softirq, which may have interrupted who holds its locks.

use kalloc::prelude::*;

pub fn allocate(cx: &BhCx<'_>) -> Result<VBox<u32>> {
    Ok(VBox::new_nonblocking(cx, 7)?) //~ ERROR: cannot be called in an interrupt
}
