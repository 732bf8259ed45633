// SPDX-License-Identifier: GPL-2.0

//! A local lock of no lockdep class.

use kalloc::{percpu::LocalLock, prelude::*};

pub fn counts(task: &TaskCx) -> Result<PerCpu<LocalLock<u64>>> {
    Ok(PerCpu::locked(task, |_cpu| 0)?) //~ ERROR: mismatched types
}
