// SPDX-License-Identifier: GPL-2.0

//! The token itself in place of a reference to it.

use kalloc::prelude::*;

pub fn allocate(task: TaskCx) -> Result<KBox<u32>> {
    //~vv ERROR: does not permit an allocation
    //~v ERROR: does not permit an allocation
    Ok(KBox::new(task, 7u32)?)
}
