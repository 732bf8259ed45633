// SPDX-License-Identifier: GPL-2.0

//! With flags that do not sleep the kernel would take kmalloc, whose limit is lower.

use kalloc::prelude::*;

pub fn make(task: &TaskCx) -> Result<ObjPool<u64>> {
    ObjPool::new(task.with(GFP_ATOMIC), 8, |_| 0) //~ ERROR: objpool_init does not accept
}
