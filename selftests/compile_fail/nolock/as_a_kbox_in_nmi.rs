// SPDX-License-Identifier: GPL-2.0

//! Where kfree() must not be called no `KBox` is made.

use kalloc::prelude::*;

pub fn free(cx: &NmiCx<'_>, memory: NolockBox<u32>) {
    drop(memory.into_kbox(cx)); //~ ERROR: no allocator may be called
}
