// SPDX-License-Identifier: GPL-2.0

//! vrealloc, which frees by `vfree()`, with a spinlock held.

use kalloc::prelude::*;

pub fn grow(cx: &AtomicCx<'_>, memory: VBox<[u8]>) -> Result<VBox<[u8]>> {
    Ok(memory.resize(cx, 100, 0)?) //~ ERROR: `Vmalloc` does not accept
}
