// SPDX-License-Identifier: GPL-2.0

//! Slab memory has an address.

use kalloc::{prelude::*, slab::*};

pub fn number(task: &TaskCx, cache: &Cache<u64>) -> Result {
    SlabBox::new(task.with(GFP_HIGHUSER), cache, 1)?; //~ ERROR: does not accept
    Ok(())
}
