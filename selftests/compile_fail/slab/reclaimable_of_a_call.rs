// SPDX-License-Identifier: GPL-2.0

//! So is that objects are reclaimable.

use kalloc::{prelude::*, slab::*};

pub fn number(task: &TaskCx, cache: &Cache<u64>) -> Result {
    SlabBox::new(task.with(GFP_KERNEL.reclaimable()), cache, 1)?; //~ ERROR: does not accept
    Ok(())
}
