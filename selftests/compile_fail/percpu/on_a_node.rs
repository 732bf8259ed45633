// SPDX-License-Identifier: GPL-2.0

//! Each CPU's memory is on its own node.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn make(task: &TaskCx, node: Node) -> Result<PerCpu<u64>> {
    Ok(PerCpu::zeroed(task.with(GFP_KERNEL).on(node))?)
}
