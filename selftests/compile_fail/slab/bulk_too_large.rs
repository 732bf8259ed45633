// SPDX-License-Identifier: GPL-2.0

//! The pointers of a bulk are on the stack.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub fn numbers(task: &TaskCx, cache: &Cache<u64>) -> Result {
    SlabBulk::<_, 65, _>::from_fn(task, cache, |i| i as u64)?;
    Ok(())
}
