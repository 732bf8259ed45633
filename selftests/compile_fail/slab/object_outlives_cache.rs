// SPDX-License-Identifier: GPL-2.0

//! An object of a cache that is gone.

use kalloc::{prelude::*, slab::*};

pub fn numbers(task: &TaskCx) -> Result<SlabBox<u64, &'static Cache<u64>>> {
    let cache = Cache::create(task, &Args::new(c"numbers"))?;
    let number = SlabBox::new(task, &cache, 1)?;
    Ok(number) //~ ERROR: cannot return value
}
