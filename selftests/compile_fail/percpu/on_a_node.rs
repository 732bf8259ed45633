// SPDX-License-Identifier: GPL-2.0

//! Each CPU's memory is on its own node.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn make(task: &Task, node: Node) -> Result<PerCpu<u64>> {
    Ok(PerCpu::zeroed(task.with(Kernel).on(node))?)
}
