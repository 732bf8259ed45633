// SPDX-License-Identifier: GPL-2.0

//! A vector fills what it adds by itself.

use kalloc::prelude::*;

pub fn push(task: &TaskCx, list: &mut KVec<u32>) -> Result {
    Ok(list.push(task.with(GFP_KERNEL.zeroed()), 7)?) //~ ERROR: `Kmalloc` does not accept
}
