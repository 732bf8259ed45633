// SPDX-License-Identifier: GPL-2.0

//! A pool is spread over the CPUs.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn make(task: &TaskCx, node: Node) -> Result<ObjPool<u64>> {
    ObjPool::new(task.with(GFP_KERNEL).on(node), 8, |_| 0)
}
