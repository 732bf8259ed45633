// SPDX-License-Identifier: GPL-2.0

//! A promise for a length that only run time knows.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx, len: usize) -> Result<KVBox<[u8]>> {
    Ok(KVBox::zeroed_slice(task.with(GFP_KERNEL.nofail()), len)?) //~ ERROR: cannot guarantee
}
