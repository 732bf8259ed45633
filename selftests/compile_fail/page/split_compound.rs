// SPDX-License-Identifier: GPL-2.0

//! A compound page stays one.

use kalloc::prelude::*;

pub fn single(task: &TaskCx) -> Result<usize> {
    Ok(Pages::zeroed(task.with(GFP_KERNEL.comp()), Order::<3>)?.split().len()) //~ ERROR: a compound page cannot be split
}
