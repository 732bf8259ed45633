// SPDX-License-Identifier: GPL-2.0

//! An order that the kernel does not have.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<FreePages<Order<64>>> {
    Ok(FreePages::zeroed(task, Order)?)
}
