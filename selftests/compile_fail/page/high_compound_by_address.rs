// SPDX-License-Identifier: GPL-2.0

//! High memory stays high when it is one compound page.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result {
    FreePages::zeroed(task.with(GFP_HIGHUSER_MOVABLE.comp()), Order::<0>)?; //~ ERROR: has no kernel address
    Ok(())
}
