// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags for a constructor that is not to sleep.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<VBox<u32>> {
    Ok(VBox::new_nonblocking(task, 7)?) //~ ERROR: must not block
}
