// SPDX-License-Identifier: GPL-2.0

//! An owner of something else.

use kalloc::{prelude::*, slab::*};

pub fn number(task: &TaskCx, cache: &Cache<u32>) -> Result {
    SlabBox::<u64, _>::new(task, cache, 1)?; //~ ERROR: is not a reference to
    //~^ ERROR: is not a reference to
    //~^^ ERROR: is not a reference to
    Ok(())
}
