// SPDX-License-Identifier: GPL-2.0

//! Zeroes taken for boxes.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> Result<KBox<[KBox<u32>]>> {
    Ok(KBox::zeroed_slice(task, 8)?) //~ ERROR: not satisfied
}
