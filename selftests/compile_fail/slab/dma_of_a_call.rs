// SPDX-License-Identifier: GPL-2.0

//! The zone is a property of the cache: of a call it would silently be dropped.

use kalloc::{prelude::*, slab::*};

pub fn number(task: &TaskCx, cache: &Cache<u64>) -> Result {
    SlabBox::new(task.with(GFP_KERNEL.dma()), cache, 1)?; //~ ERROR: does not accept
    Ok(())
}
