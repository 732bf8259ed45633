// SPDX-License-Identifier: GPL-2.0

//! And no size is known to be small.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<ExactPages> {
    Ok(ExactPages::zeroed(task.with(GFP_KERNEL.nofail()), 1)?) //~ ERROR: alloc_pages_exact does not accept
}
