// SPDX-License-Identifier: GPL-2.0

//! No slab allocation in an NMI.

use kalloc::{prelude::*, slab::*};

pub fn number(cx: &NmiCx<'_>, cache: &Cache<u64>) -> Result {
    SlabBox::new(cx, cache, 1)?; //~ ERROR: no allocator may be called
    Ok(())
}
