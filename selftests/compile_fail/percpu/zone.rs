// SPDX-License-Identifier: GPL-2.0

//! Per-CPU memory has no zones.

use kalloc::prelude::*;

pub fn make(task: &Task) -> Result<PerCpu<u64>> {
    Ok(PerCpu::zeroed(task.with(Kernel.dma32()))?) //~ ERROR: the per-CPU allocator drops
}
