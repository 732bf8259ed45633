// SPDX-License-Identifier: GPL-2.0

//! `vfree()`, which sleeps, with a spinlock held. A drop does not.

use kalloc::prelude::*;

pub fn free(cx: &AtomicCx<'_>, memory: VBox<u32>) {
    memory.free(cx); //~ ERROR: may sleep
}
