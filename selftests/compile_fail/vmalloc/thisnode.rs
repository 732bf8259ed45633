// SPDX-License-Identifier: GPL-2.0

//! `__GFP_THISNODE` is not in `GFP_VMALLOC_SUPPORTED`.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx, node: Node) -> Result<VBox<u32>> {
    Ok(VBox::new(task.with(GFP_KERNEL.thisnode()).on(node), 7)?) //~ ERROR: `Vmalloc` does not accept
}
