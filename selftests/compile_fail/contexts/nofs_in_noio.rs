// SPDX-License-Identifier: GPL-2.0

//! `GFP_NOFS` in a NOIO scope.

use kalloc::prelude::*;

pub fn allocate(cx: &NoIoCx<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(GFP_NOFS), 7u32)?) //~ ERROR: may sleep and start I/O
}
