// SPDX-License-Identifier: GPL-2.0

//! The allocator would drop the flag.

use kalloc::prelude::*;

pub fn make(task: &TaskCx) -> Result<PerCpu<u64>> {
    Ok(PerCpu::zeroed(task.with(GFP_KERNEL.retry_mayfail()))?) //~ ERROR: the per-CPU allocator silently ignores
}
