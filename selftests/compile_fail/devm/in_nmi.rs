// SPDX-License-Identifier: GPL-2.0

//! In an NMI handler.

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn make(cx: &NmiCx<'_>, dev: &Device<Bound>) {
    let _ = Devm::new(cx, dev, 1); //~ ERROR: no allocator may be called
}

pub fn free(cx: &NmiCx<'_>, value: Devm<'_, u32>) {
    value.free(cx); //~ ERROR: no allocator may be called
}
