// SPDX-License-Identifier: GPL-2.0

//! A promise for a length that only run time knows.

use kalloc::prelude::*;

pub fn allocate(task: &Task, len: usize) -> Result<KVBox<[u8]>> {
    Ok(KVBox::zeroed_slice(task.with(Kernel.nofail()), len)?) //~ ERROR: promises memory
}
