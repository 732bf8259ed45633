// SPDX-License-Identifier: GPL-2.0

//! The kernel does not ask a node for a bulk.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub fn numbers(task: &TaskCx, cache: &Cache<u64>, node: Node) -> Result {
    SlabBulk::<_, 16, _>::from_fn(task.with(GFP_KERNEL).on(node), cache, |i| i as u64)?;
    Ok(())
}
