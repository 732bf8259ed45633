// SPDX-License-Identifier: GPL-2.0

//! A promise for a vector of any length.

use kalloc::prelude::*;

pub fn push(task: &TaskCx, list: &mut KVec<u32>) {
    let Ok(()) = list.push(task.with(GFP_KERNEL.nofail()), 7); //~ ERROR: `Kmalloc` does not accept
}
