// SPDX-License-Identifier: GPL-2.0

//! A node of the kernel crate, which may be offline.

use kalloc::prelude::*;
use kernel::alloc::NumaNode;

pub fn misuse(task: &TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new(task.with(GFP_KERNEL).on(NumaNode::new(63)?), 7)?) //~ ERROR: `?` operator has incompatible types
}
