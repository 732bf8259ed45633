// SPDX-License-Identifier: GPL-2.0

//! GFP_KERNEL where sleeping is not allowed.

use kalloc::{prelude::*, slab::*};

pub fn number(cx: &Atomic<'_>, cache: &Cache<u64>) -> Result {
    SlabBox::new(cx.with(Kernel), cache, 1)?; //~ ERROR: may sleep
    Ok(())
}
