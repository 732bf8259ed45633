// SPDX-License-Identifier: GPL-2.0

//! kmalloc takes locks.

use kalloc::prelude::*;

pub fn allocate(cx: &Nmi<'_>) -> Result<KBox<u32>> {
    Ok(KBox::new(cx.with(Nolock), 7)?) //~ ERROR: does not accept
}
