// SPDX-License-Identifier: GPL-2.0

//! A NOFS scope does not make sleep possible.

use kalloc::prelude::*;

pub fn scope(cx: &mut AtomicCx<'_>) -> Result<KBox<u32>> {
    cx.nofs(|cx| Ok(KBox::new(&cx, 1)?)) //~ ERROR: this may sleep
}
