// SPDX-License-Identifier: GPL-2.0

//! The kernel refuses a bulk of no objects.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub fn numbers(task: &TaskCx, cache: &Cache<u64>) -> Result {
    SlabBulk::<_, 0, _>::from_fn(task, cache, |i| i as u64)?;
    Ok(())
}
