// SPDX-License-Identifier: GPL-2.0

//! A node that may not be there.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new(task.with(GFP_KERNEL).on(Node(63)), 7)?) //~ ERROR: private
}
