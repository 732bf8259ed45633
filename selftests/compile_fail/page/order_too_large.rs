// SPDX-License-Identifier: GPL-2.0

//! An order that the kernel does not have.

//@error-in-other-file: evaluation of

use kalloc::{page::MAX_ORDER, prelude::*};

pub fn allocate(task: &TaskCx) -> Result<Pages<Order<{ MAX_ORDER + 1 }>>> {
    Ok(Pages::zeroed(task, Order)?)
}
