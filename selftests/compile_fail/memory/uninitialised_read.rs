// SPDX-License-Identifier: GPL-2.0

//! Memory read before anything was written to it.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> Result<u32> {
    let memory = KBox::<u32>::new_uninit(task)?;
    Ok(*memory + 1) //~ ERROR: cannot add
}
