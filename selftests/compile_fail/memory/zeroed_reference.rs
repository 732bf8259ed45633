// SPDX-License-Identifier: GPL-2.0

//! Zeroes taken for a reference.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> Result<KBox<&'static u32>> {
    Ok(KBox::zeroed(task)?) //~ ERROR: not satisfied
}
