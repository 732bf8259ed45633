// SPDX-License-Identifier: GPL-2.0

//! GFP_KERNEL where sleeping is not allowed.

use kalloc::{prelude::*, slab::*};

pub fn number(cx: &AtomicCx<'_>, cache: &Cache<u64>) -> Result {
    SlabBox::new(cx.with(GFP_KERNEL), cache, 1)?; //~ ERROR: may sleep
    Ok(())
}
