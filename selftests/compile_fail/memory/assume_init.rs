// SPDX-License-Identifier: GPL-2.0

//! A claim that memory is initialised, which nobody vouches for.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new_uninit(task)?.assume_init()) //~ ERROR: requires unsafe
}
