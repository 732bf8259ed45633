// SPDX-License-Identifier: GPL-2.0

//! Memory is not a value before it is written.

use kalloc::prelude::*;

pub fn allocate(cx: &NmiCx<'_>) -> Result<u32> {
    let memory = NolockBox::<u32>::new_uninit(cx)?;
    Ok(*memory) //~ ERROR: mismatched types
}
