// SPDX-License-Identifier: GPL-2.0

//! Per-CPU memory has no zones.

use kalloc::prelude::*;

pub fn make(task: &TaskCx) -> Result<PerCpu<u64>> {
    Ok(PerCpu::zeroed(task.with(GFP_KERNEL.dma32()))?) //~ ERROR: the per-CPU allocator silently ignores
}
