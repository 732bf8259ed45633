// SPDX-License-Identifier: GPL-2.0

//! High memory stays high when it is one compound page.

use kalloc::prelude::*;

pub fn allocate(task: &Task) -> Result {
    PageMem::zeroed(task.with(HighUserMovable.comp()), Order::<0>)?; //~ ERROR: has no kernel address
    Ok(())
}
