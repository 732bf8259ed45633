// SPDX-License-Identifier: GPL-2.0

//! The kernel promises nothing of a bulk.

use kalloc::{prelude::*, slab::*};

pub fn numbers(task: &TaskCx, cache: &Cache<u64>) -> Result {
    SlabBulk::<_, 16, _>::from_fn(task.with(GFP_KERNEL.nofail()), cache, |i| i as u64)?; //~ ERROR: cannot guarantee
    Ok(())
}
