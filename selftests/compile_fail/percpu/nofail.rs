// SPDX-License-Identifier: GPL-2.0

//! The per-CPU allocator does not keep the promise.

use kalloc::prelude::*;

pub fn make(task: &TaskCx) -> Result<PerCpu<u64>> {
    Ok(PerCpu::zeroed(task.with(GFP_KERNEL.nofail()))?) //~ ERROR: the per-CPU allocator silently ignores
}
