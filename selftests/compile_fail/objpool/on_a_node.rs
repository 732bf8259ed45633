// SPDX-License-Identifier: GPL-2.0

//! A pool is spread over the CPUs.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn make(task: &Task, node: Node) -> Result<ObjPool<u64>> {
    ObjPool::new(task.with(Kernel).on(node), 8, |_| 0)
}
