// SPDX-License-Identifier: GPL-2.0

//! A cache that is destroyed while it has an object.

use kalloc::{prelude::*, slab::*};

pub fn destroy(task: &TaskCx, cache: Cache<u64>) -> Result {
    let number = SlabBox::new(task, &cache, 1)?;
    cache.destroy(task); //~ ERROR: cannot move out of `cache` because it is borrowed
    drop(number);
    Ok(())
}
