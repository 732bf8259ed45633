// SPDX-License-Identifier: GPL-2.0

//! The kernel wants interrupts on for a bulk.

use kalloc::{prelude::*, slab::*};

pub fn numbers(cx: &IrqCx<'_>, cache: &Cache<u64>) -> Result {
    SlabBulk::<_, 16, _>::from_fn(cx, cache, |i| i as u64)?; //~ ERROR: interrupts may be disabled
    Ok(())
}
