// SPDX-License-Identifier: GPL-2.0

//! Tokens, which have no size, as an array of zeroes.

use kalloc::prelude::*;

pub fn escape(task: &TaskCx) -> Result<KBox<[TaskCx]>> {
    Ok(KBox::zeroed_slice(task, 1)?) //~ ERROR: Zeroable` is not satisfied
}
