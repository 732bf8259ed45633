// SPDX-License-Identifier: GPL-2.0

//! Memory taken for a value before anything was written to it.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::<u32>::new_uninit(task)?) //~ ERROR: `?` operator has incompatible types
}
